//! `TopicLabel` by hand: each answer has seventeen, and as prost makes it each would copy two strings, on one thread, to be
//! freed on another. Here they are borrowed from the model's names.

use prost::{
    DecodeError, Message,
    bytes::{Buf, BufMut},
    encoding::{
        DecodeContext, WireType, double, encode_key, encode_varint, encoded_len_varint, key_len, skip_field, string,
    },
};
use std::borrow::Cow;

/// One topic with its probability.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TopicLabel {
    /// Stable id, for example "medtop:16000000".
    pub id: Cow<'static, str>,
    /// Name in English, for example "conflict, war and peace".
    pub name: Cow<'static, str>,
    /// Calibrated, 0 to 1; all labels add up to 1.
    pub probability: f64,
}

const ID: u32 = 1;
const NAME: u32 = 2;
const PROBABILITY: u32 = 3;

impl Message for TopicLabel {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        for (tag, text) in [(ID, &self.id), (NAME, &self.name)] {
            if !text.is_empty() {
                encode_key(tag, WireType::LengthDelimited, buf);
                encode_varint(text.len() as u64, buf);
                buf.put_slice(text.as_bytes());
            }
        }
        if self.probability != 0.0 {
            double::encode(PROBABILITY, &self.probability, buf);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            ID => string::merge(wire_type, self.id.to_mut(), buf, context),
            NAME => string::merge(wire_type, self.name.to_mut(), buf, context),
            PROBABILITY => double::merge(wire_type, &mut self.probability, buf, context),
            _ => skip_field(wire_type, tag, buf, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let text = |tag, text: &str| match text.len() {
            0 => 0,
            len => key_len(tag) + encoded_len_varint(len as u64) + len,
        };
        let probability = if self.probability == 0.0 { 0 } else { double::encoded_len(PROBABILITY, &self.probability) };
        text(ID, &self.id) + text(NAME, &self.name) + probability
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As prost makes it of the proto.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Plain {
        #[prost(string, tag = "1")]
        id: String,
        #[prost(string, tag = "2")]
        name: String,
        #[prost(double, tag = "3")]
        probability: f64,
    }

    proptest! {
        #[test]
        fn bytes_are_those_of_prost(id in ".{0,200}", name in ".{0,9}", probability in prop_oneof![Just(0.0), 0.0..1.0f64]) {
            let own = TopicLabel { id: id.clone().into(), name: name.clone().into(), probability };
            let plain = Plain { id, name, probability };
            prop_assert_eq!(own.encode_to_vec(), plain.encode_to_vec());
            prop_assert_eq!(own.encoded_len(), plain.encoded_len());
            prop_assert_eq!(TopicLabel::decode(&plain.encode_to_vec()[..]).unwrap(), own);
        }

        #[test]
        fn reads_what_prost_reads(bytes: Vec<u8>) {
            let (own, plain) = (TopicLabel::decode(&bytes[..]), Plain::decode(&bytes[..]));
            prop_assert_eq!(own.is_ok(), plain.is_ok());
            if let (Ok(own), Ok(plain)) = (own, plain) {
                prop_assert_eq!((own.id, own.name), (plain.id.into(), plain.name.into()));
            }
        }
    }
}

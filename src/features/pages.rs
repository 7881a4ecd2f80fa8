//! Memory for the weight table: anonymous pages, huge ones where the system
//! grants them. With 4 KiB pages each of an article's hundreds of scattered
//! rows costs an address translation as well; that took longer than the rest
//! of the work together.

use super::table::Block;
use memmap2::MmapMut;

/// Zeroed blocks.
pub(super) enum Pages {
    Mapped(MmapMut),
    /// Where nothing can be mapped, and for an empty table.
    Heap(Vec<Block>),
}

impl Pages {
    pub(super) fn zeroed(blocks: usize) -> Self {
        let bytes = blocks.saturating_mul(size_of::<Block>());
        match MmapMut::map_anon(bytes) {
            Ok(map) if bytes > 0 => {
                // Refused: slower, not wrong.
                #[cfg(target_os = "linux")]
                let _ = map.advise(memmap2::Advice::HugePage);
                Self::Mapped(map)
            }
            _ => Self::Heap(vec![bytemuck::Zeroable::zeroed(); blocks]),
        }
    }
}

impl std::ops::Deref for Pages {
    type Target = [Block];

    #[inline(always)]
    fn deref(&self) -> &[Block] {
        match self {
            Self::Mapped(map) => bytemuck::try_cast_slice(map).unwrap_or(&[]),
            Self::Heap(blocks) => blocks,
        }
    }
}

impl std::ops::DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [Block] {
        match self {
            Self::Mapped(map) => bytemuck::try_cast_slice_mut(map).unwrap_or(&mut []),
            Self::Heap(blocks) => blocks,
        }
    }
}

impl Clone for Pages {
    fn clone(&self) -> Self {
        let mut pages = Self::zeroed(self.len());
        pages.copy_from_slice(self);
        pages
    }
}

impl PartialEq for Pages {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} blocks", self.len())
    }
}

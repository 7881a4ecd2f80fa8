//! `linfa-logistic` on standardised features, its weights folded back to raw ones.

use crate::heads::region::Logistic;
use linfa::{Dataset, traits::Fit};
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2, Axis};

/// The gradient of the mean loss that is as good as none: that of the sum, which linfa is asked for, grows with the rows.
const TOLERANCE: f64 = 1e-6;

/// Fits "is it so" on `rows` of equal length. Two classes of the multinomial
/// estimator: the binary one of linfa-logistic 0.8.1 picks its classes by count.
///
/// # Errors
/// When there are no examples of a class or the optimiser fails.
pub(super) fn fit(rows: &[&[f64]], truth: &[bool], alpha: f64) -> Result<Logistic, String> {
    let width = rows.first().map_or(0, |r| r.len());
    if !truth.contains(&true) || !truth.contains(&false) {
        return Err("region: the examples are all of one class; add labelled articles".to_owned());
    }
    let flat: Vec<f64> = rows.iter().flat_map(|r| r.iter().copied()).collect();
    let mut x = Array2::from_shape_vec((rows.len(), width), flat).map_err(|e| e.to_string())?;
    let mean = x.mean_axis(Axis(0)).ok_or("region: no features")?;
    let scale = x.std_axis(Axis(0), 0.0).mapv(|s| if s < 1e-9 { 0.0 } else { 1.0 / s });
    x -= &mean;
    x *= &scale;
    let y: Array1<usize> = truth.iter().map(|t| usize::from(*t)).collect();
    let model = MultiLogisticRegression::default()
        .alpha(alpha)
        .max_iterations(300)
        .gradient_tolerance(TOLERANCE * rows.len() as f64)
        .fit(&Dataset::new(x, y))
        .map_err(|e| format!("region: linfa-logistic: {e}"))?;
    let column = |class: usize| model.classes().iter().position(|c| *c == class);
    let (Some(no), Some(yes)) = (column(0), column(1)) else { return Err("region: a class was lost".to_owned()) };
    let params = model.params();
    let weights: Vec<f64> = (0..width).map(|f| (params[[f, yes]] - params[[f, no]]) * scale[f]).collect();
    let shift: f64 = weights.iter().zip(&mean).map(|(w, m)| w * m).sum();
    Ok(Logistic { weights, bias: model.intercept()[yes] - model.intercept()[no] - shift })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovers_the_odds() {
        // P(yes) is 3/4 where x is 1 and 1/4 where it is 0.
        let rows = [[0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]];
        let truth = [true, false, false, false, true, true, true, false];
        let rows: Vec<&[f64]> = rows.iter().map(|r| &r[..]).collect();
        let model = fit(&rows, &truth, 1e-6).unwrap();
        assert!((model.probability(&[1.0]) - 0.75).abs() < 1e-3);
        assert!((model.probability(&[0.0]) - 0.25).abs() < 1e-3);
        assert!(fit(&rows, &[true; 8], 1.0).is_err());
    }
}

//! Whether two samples of times differ, whatever their distribution.

/// How likely it is that two samples of one distribution differ as much as these, by two tests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison {
    /// Mann and Whitney: does one tend to be larger?
    pub(crate) rank_p: f64,
    /// How likely one of the second sample is larger than one of the first; a half when neither tends to be.
    pub(crate) larger: f64,
    /// Kolmogorov and Smirnov: do the distributions differ anywhere?
    pub(crate) shape_p: f64,
}

impl Comparison {
    /// Compares two samples.
    pub(crate) fn of(first: &[f64], second: &[f64]) -> Self {
        let (rank_p, larger) = mann_whitney(first, second);
        Self {
            rank_p,
            larger,
            shape_p: kolmogorov_smirnov(first, second),
        }
    }

    /// Whether either test tells them apart at this level.
    pub(crate) fn differs(self, level: f64) -> bool {
        // Two tests, so each has half of it.
        self.rank_p.min(self.shape_p) < level / 2.0
    }
}

/// The median.
pub(crate) fn median(sample: &[f64]) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The least that the second of two alike samples could have been later throughout and be told apart.
pub(crate) fn least_seen(first: &[f64], second: &[f64], level: f64) -> f64 {
    let seen = |shift: f64| {
        let later: Vec<f64> = second.iter().map(|time| time + shift).collect();
        Comparison::of(first, &later).differs(level)
    };
    let (mut below, mut above) = (0.0, median(first));
    for _ in 0..30 {
        let middle = f64::midpoint(below, above);
        if seen(middle) {
            above = middle;
        } else {
            below = middle;
        }
    }
    above
}

/// The two-sided p-value by the normal approximation (times are so fine that ties do not matter), and the chance that
/// the second is larger.
fn mann_whitney(first: &[f64], second: &[f64]) -> (f64, f64) {
    let (n, m) = (first.len() as f64, second.len() as f64);
    let mut all: Vec<(f64, bool)> = first.iter().map(|time| (*time, false)).collect();
    all.extend(second.iter().map(|time| (*time, true)));
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let ranks: f64 = all
        .iter()
        .enumerate()
        .filter(|(_, (_, of_second))| *of_second)
        .map(|(before, _)| before as f64 + 1.0)
        .sum();
    let u = ranks - m * (m + 1.0) / 2.0;
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    let z = (u - n * m / 2.0) / deviation;
    (both_tails(z), u / (n * m))
}

/// The p-value by Kolmogorov's limit, with Stephens' correction for finite samples.
fn kolmogorov_smirnov(first: &[f64], second: &[f64]) -> f64 {
    let sorted = |sample: &[f64]| {
        let mut sorted = sample.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    };
    let (first, second) = (sorted(first), sorted(second));
    let below =
        |sample: &[f64], time: f64| sample.partition_point(|one| *one <= time) as f64 / sample.len() as f64;
    let distance = first
        .iter()
        .chain(&second)
        .map(|time| (below(&first, *time) - below(&second, *time)).abs())
        .fold(0.0, f64::max);
    let (n, m) = (first.len() as f64, second.len() as f64);
    let size = (n * m / (n + m)).sqrt();
    let lambda = (size + 0.12 + 0.11 / size) * distance;
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * lambda * lambda).exp()
    };
    // For a small distance the series does not converge, and the answer is 1.
    if lambda < 0.3 {
        return 1.0;
    }
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// The chance of a standard normal value at least this far from 0 (Abramowitz and Stegun 7.1.26 for small values, the
/// leading terms of the tail for large ones).
fn both_tails(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let gauss = (-x * x).exp();
    if x > 3.0 {
        let square = x * x;
        return gauss / (x * std::f64::consts::PI.sqrt()) * (1.0 - 0.5 / square + 0.75 / (square * square));
    }
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let coefficients = [
        0.254_829_592,
        -0.284_496_736,
        1.421_413_741,
        -1.453_152_027,
        1.061_405_429,
    ];
    let polynomial = coefficients.iter().rev().fold(0.0, |sum, next| sum * t + next) * t;
    (polynomial * gauss).clamp(0.0, 1.0)
}

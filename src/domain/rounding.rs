//! Rounding as the contract has it: Python's `round`.

/// A number to so many decimals: to the nearest, a tie to the even digit, judged by the exact binary value. So 2.675 gives 2.67
/// (it is a little less than it looks), 0.125 gives 0.12 and 0.375 gives 0.38.
pub fn round_half_even(number: f64, decimals: usize) -> f64 {
    // the formatter works on the exact value, ties to even; what it writes is the nearest number of so many decimals
    format!("{number:.decimals$}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_even_digit_of_the_exact_value() {
        // each checked with Python 3.11
        for (number, decimals, expected) in [
            (0.25, 1, 0.2),
            (0.35, 1, 0.3),
            (0.45, 1, 0.5),
            (0.75, 1, 0.8),
            (2.5, 0, 2.0),
            (3.5, 0, 4.0),
            (2.675, 2, 2.67),
            (1.005, 2, 1.0),
            (0.125, 2, 0.12),
            (0.375, 2, 0.38),
            (0.625, 2, 0.62),
            (84.35, 1, 84.3),
            (84.25, 1, 84.2),
            (-0.125, 2, -0.12),
            (1e22, 1, 1e22),
            (5e-324, 2, 0.0),
            (21.416_666_666_666_668, 1, 21.4),
        ] {
            assert_eq!(
                round_half_even(number, decimals).to_bits(),
                f64::to_bits(expected),
                "round({number}, {decimals})"
            );
        }
        assert!(round_half_even(f64::NAN, 1).is_nan());
    }
}

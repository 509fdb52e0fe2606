/// Most sessions one server takes here, whatever its size: each is a process of this machine.
const MOST: u32 = 1000;

/// Sessions of a provisioned instance: 1,000 at any capacity.
pub(crate) fn provisioned_connections() -> u32 {
    MOST
}

/// Sessions of an autoscaling endpoint, by its largest size in compute units: 104 for 0.5 CU, 209 for 1 CU, 839 for 4 CU.
pub(crate) fn autoscaling_connections(largest: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of sizes first"
    )]
    let connections = (largest.clamp(0.25, 64.0) * 209.8) as u32;
    connections.min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_give_the_documented_numbers() {
        for (size, expected) in
            [(0.5, 104), (1.0, 209), (2.0, 419), (4.0, 839), (8.0, 1000), (f64::MAX, 1000)]
        {
            assert_eq!(autoscaling_connections(size), expected, "{size}");
        }
    }
}

use brickyard_runner::ingress::fuzzing::TARGETS;
use brickyard_testing::drive;

#[test]
fn no_spelling_of_a_header_passes() {
    for (target, entry) in TARGETS {
        drive(target, *entry, &[]);
    }
}

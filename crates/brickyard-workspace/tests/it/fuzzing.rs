use brickyard_testing::drive;
use brickyard_workspace::fuzzing::TARGETS;

#[test]
fn no_bytes_of_a_client_make_a_reader_panic() {
    for (target, entry) in TARGETS {
        drive(target, *entry, &[]);
    }
}

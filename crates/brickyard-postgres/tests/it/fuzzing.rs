use brickyard_postgres::fuzzing::TARGETS;
use brickyard_testing::drive;

#[test]
fn no_first_packet_makes_its_reader_panic() {
    for (target, entry) in TARGETS {
        drive(target, *entry, &[]);
    }
}

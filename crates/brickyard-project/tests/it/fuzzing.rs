use brickyard_project::fuzzing::TARGETS;
use brickyard_testing::drive;

#[test]
fn no_file_of_an_app_makes_its_reader_panic() {
    for (target, entry) in TARGETS {
        drive(target, *entry, &[]);
    }
}

use super::*;

fn path(text: &str) -> ObjectPath {
    ObjectPath::parse(text).unwrap()
}

fn open(directory: &tempfile::TempDir) -> Landing {
    std::fs::create_dir_all(directory.path().join("tree/a")).unwrap();
    Landing::open(directory.path().join("tree"), HashSet::new()).unwrap()
}

#[test]
fn what_landed_survives_a_death_before_and_in_the_middle_of_putting_it_down() {
    let directory = tempfile::tempdir().unwrap();
    let mut landing = open(&directory);
    landing.land(&path("/a/one"), b"1").unwrap();
    landing.land(&path("/a/one"), b"2").unwrap();
    landing.land(&path("/a/two"), b"").unwrap();
    let log = std::fs::read(directory.path().join("tree.landing")).unwrap();
    drop(landing);
    let mut landing = open(&directory);
    assert_eq!(landing.kind(&path("/a/two")).unwrap(), Some(Kind::File));
    landing.settle().unwrap();
    assert_eq!(std::fs::read(directory.path().join("tree/a/one")).unwrap(), b"2");
    assert_eq!(std::fs::read(directory.path().join("tree/a/two")).unwrap(), b"");
    assert_eq!(std::fs::metadata(directory.path().join("tree.landing")).unwrap().len(), 0);
    drop(landing);
    // Dead after the first file had its place and half of the second: the log says it all again.
    std::fs::write(directory.path().join("tree/a/two"), "half").unwrap();
    std::fs::write(directory.path().join("tree.landing"), &log).unwrap();
    let mut landing = open(&directory);
    landing.settle().unwrap();
    assert_eq!(std::fs::read(directory.path().join("tree/a/two")).unwrap(), b"");
    assert!(std::fs::read_dir(directory.path().join("tree")).unwrap().count() == 1, "nothing is left over");
}

#[test]
fn half_a_record_at_the_end_was_never_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut landing = open(&directory);
    landing.land(&path("/a/one"), b"whole").unwrap();
    let whole = std::fs::read(directory.path().join("tree.landing")).unwrap();
    landing.land(&path("/a/two"), b"not whole").unwrap();
    drop(landing);
    let both = std::fs::read(directory.path().join("tree.landing")).unwrap();
    for cut in whole.len()..both.len() {
        std::fs::write(directory.path().join("tree.landing"), &both[..cut]).unwrap();
        let mut landing = open(&directory);
        assert_eq!(landing.kind(&path("/a/two")).unwrap(), None, "{cut}");
        assert_eq!(landing.kind(&path("/a/one")).unwrap(), Some(Kind::File), "{cut}");
        // What comes next is found behind the whole ones.
        landing.land(&path("/a/two"), b"x").unwrap();
        drop(landing);
        assert_eq!(open(&directory).kind(&path("/a/two")).unwrap(), Some(Kind::File), "{cut}");
    }
}

#[test]
fn what_cannot_be_put_down_is_read_where_it_waits_and_can_be_removed() {
    let directory = tempfile::tempdir().unwrap();
    let mut landing = open(&directory);
    landing.land(&path("/a/one"), b"first").unwrap();
    landing.land(&path("/a/one"), b"second").unwrap();
    landing.land(&path("/a/two"), b"2").unwrap();
    // What is in the way stands for a disk without room.
    std::fs::create_dir(directory.path().join("tree/a/two")).unwrap();
    assert!(landing.settle().is_err());
    assert_eq!(landing.content(&path("/a/one")).unwrap().unwrap(), b"second");
    assert_eq!(landing.waiting(&path("/a/one")).unwrap().0, 6);
    assert_eq!(landing.content(&path("/a")).unwrap(), None);
    assert_eq!(landing.waiting_within(&path("/a")), [path("/a/one"), path("/a/two")]);
    landing.forget(&path("/a/one")).unwrap();
    assert_eq!(landing.content(&path("/a/one")).unwrap(), None);
    drop(landing);
    std::fs::remove_dir(directory.path().join("tree/a/two")).unwrap();
    std::fs::remove_file(directory.path().join("tree/a/one")).unwrap();
    let mut landing = open(&directory);
    landing.settle().unwrap();
    assert_eq!(std::fs::read(directory.path().join("tree/a/two")).unwrap(), b"2");
    assert!(!directory.path().join("tree/a/one").exists(), "what was removed does not come again");
}

#[test]
fn kinds_are_told_of_what_lies_and_what_waits() {
    let directory = tempfile::tempdir().unwrap();
    let mut landing = open(&directory);
    std::fs::write(directory.path().join("tree/a/note"), "").unwrap();
    landing.note(&path("/a/note"), true);
    landing.land(&path("/a/new"), b"1").unwrap();
    let mut kind = |text: &str| landing.kind(&path(text)).unwrap();
    assert_eq!(kind("/"), Some(Kind::Directory));
    assert_eq!(kind("/a"), Some(Kind::Directory));
    assert_eq!(kind("/a/note"), Some(Kind::Notebook));
    assert_eq!(kind("/a/new"), Some(Kind::File));
    assert_eq!(kind("/a/none"), None);
    assert_eq!(kind("/b/none"), None);
    assert_eq!(kind("/a/new/below"), None);
    assert_eq!(kind("/a/note/below"), None);
}

#[test]
fn nobody_else_reads_what_waits() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    open(&directory).land(&path("/a/one"), b"1").unwrap();
    let mode = std::fs::metadata(directory.path().join("tree.landing")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    open(&directory).settle().unwrap();
    let mode = std::fs::metadata(directory.path().join("tree/a/one")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_folder_removed_by_hand_comes_again_with_what_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let mut landing = open(&directory);
    landing.land(&path("/a/one"), b"1").unwrap();
    std::fs::remove_dir_all(directory.path().join("tree/a")).unwrap();
    landing.settle().unwrap();
    assert_eq!(std::fs::read(directory.path().join("tree/a/one")).unwrap(), b"1");
}

//! Tests taken names, planted links, failures, and modes.

#![cfg(unix)]

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::thread;

use super::*;

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn json(bytes: &[u8]) -> [NewFile<'_>; 1] {
    [NewFile {
        ending: ".json",
        bytes,
    }]
}

fn together(stem: &Path, bytes: &[u8], reserved: &[&str]) -> Vec<PathBuf> {
    create_together(stem, &json(bytes), reserved, Readers::Umask).unwrap()
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let directory = tempfile::tempdir().unwrap();
    let stem = directory.path().join("a.b");
    for (bytes, name) in [
        (b"1", "a.b.json"),
        (b"2", "a.b_2.json"),
        (b"3", "a.b_3.json"),
    ] {
        let written = together(&stem, bytes, &[]);
        assert_eq!(written, [directory.path().join(name)]);
        assert_eq!(fs::read(&written[0]).unwrap(), bytes);
    }
    assert_eq!(
        names(directory.path()),
        ["a.b.json", "a.b_2.json", "a.b_3.json"]
    );
}

#[test]
fn files_that_belong_together_have_one_stem() {
    let directory = tempfile::tempdir().unwrap();
    let stem = directory.path().join("a");
    fs::write(directory.path().join("a.csv"), "another's").unwrap();
    fs::create_dir(directory.path().join("a_2_plots")).unwrap();
    let new = [".json", ".csv"].map(|ending| NewFile {
        ending,
        bytes: b"x",
    });
    let written = create_together(&stem, &new, &["_plots"], Readers::Umask).unwrap();
    let expected = ["a_3.json", "a_3.csv"].map(|name| directory.path().join(name));
    assert_eq!(written, expected);
    assert_eq!(
        fs::read(directory.path().join("a.csv")).unwrap(),
        b"another's"
    );
}

#[test]
fn if_one_of_them_cannot_be_written_none_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let stem = directory.path().join("a");
    let new = [".json", "/there/is/no/such/directory"].map(|ending| NewFile {
        ending,
        bytes: b"x",
    });
    create_together(&stem, &new, &[], Readers::Umask).unwrap_err();
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn those_who_write_at_the_same_time_all_get_a_name() {
    let directory = tempfile::tempdir().unwrap();
    let stem = directory.path().join("a");
    thread::scope(|scope| {
        for n in 0..20_u8 {
            let stem = &stem;
            scope.spawn(move || together(stem, &[n; 1000], &["_plots"]));
        }
    });
    let mut found: Vec<u8> = names(directory.path())
        .iter()
        .map(|name| {
            let bytes = fs::read(directory.path().join(name)).unwrap();
            assert!(bytes == [bytes[0]; 1000], "{name} is mixed");
            bytes[0]
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, (0..20).collect::<Vec<_>>());
}

#[test]
fn planted_links_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let (victim, missing) = (
        outside.path().join("victim"),
        outside.path().join("missing"),
    );
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, directory.path().join("a.json")).unwrap();
    symlink(&missing, directory.path().join("a_2.json")).unwrap();
    symlink(outside.path(), directory.path().join("b")).unwrap();
    let stem = directory.path().join("a");
    assert_eq!(
        together(&stem, b"x", &[]),
        [directory.path().join("a_3.json")]
    );
    replace(&directory.path().join("a.json"), b"x", Readers::Owner).unwrap();
    assert!(!directory.path().join("a.json").is_symlink());
    let folder = NewFolder::create(&directory.path().join("b"), Readers::Umask).unwrap();
    folder.append(Path::new("victim"), b"x").unwrap();
    assert_eq!(
        folder.finish_or_join().unwrap(),
        directory.path().join("b_2")
    );
    assert_eq!(names(outside.path()), ["victim"]);
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn private_files_have_private_modes() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    create(&path("created"), b"x", Readers::Owner).unwrap();
    replace(&path("replaced"), b"x", Readers::Owner).unwrap();
    assert_eq!(
        (mode(&path("created")), mode(&path("replaced"))),
        (0o600, 0o600)
    );
    make_private_directory(&path("a/private"), &path("a/private/b/c")).unwrap();
    let modes = ["a/private", "a/private/b", "a/private/b/c"].map(|name| mode(&path(name)));
    assert_eq!(modes, [0o700; 3]);
    let folder = NewFolder::create(&path("folder"), Readers::Owner).unwrap();
    assert_eq!(mode(folder.directory.path()), 0o700);
    folder.append(Path::new("file"), b"x").unwrap();
    folder.finish(&path("folder")).unwrap();
    assert_eq!(
        (mode(&path("folder")), mode(&path("folder/file"))),
        (0o700, 0o600)
    );
    // Everything else has the mode of the umask.
    fs::write(path("usual"), "").unwrap();
    create(&path("result"), b"x", Readers::Umask).unwrap();
    assert_eq!(mode(&path("result")), mode(&path("usual")));
    fs::create_dir(path("usual_directory")).unwrap();
    let charts = NewFolder::create(&path("charts"), Readers::Umask).unwrap();
    charts.finish(&path("charts")).unwrap();
    assert_eq!(mode(&path("charts")), mode(&path("usual_directory")));
    assert_eq!(mode(&path("a")), mode(&path("usual_directory")));
}

/// A temporary folder with these files.
fn folder(target: &Path, files: &[(&str, &str)]) -> NewFolder {
    let folder = NewFolder::create(target, Readers::Umask).unwrap();
    for (name, text) in files {
        let name = Path::new(name);
        folder.make_directory(name.parent().unwrap()).unwrap();
        folder.append(name, text.as_bytes()).unwrap();
    }
    folder
}

#[test]
fn joining_a_folder_adds_missing_files_and_replaces_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("charts");
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    let first = folder(&target, &[("a.png", "a"), ("d/b.png", "b")]);
    assert_eq!(first.finish_or_join().unwrap(), target);
    // The same files again, with additional ones.
    let second = folder(
        &target,
        &[("a.png", "a"), ("d/b.svg", "b"), ("e/c.svg", "c")],
    );
    assert_eq!(second.finish_or_join().unwrap(), target);
    assert_eq!(
        (read("charts/d/b.svg"), read("charts/e/c.svg")),
        ("b".into(), "c".into())
    );
    // One of them was changed.
    fs::write(target.join("a.png"), "mine").unwrap();
    let third = folder(&target, &[("a.png", "a"), ("new.png", "new")]);
    assert_eq!(
        third.finish_or_join().unwrap(),
        directory.path().join("charts_2")
    );
    assert_eq!(
        (read("charts/a.png"), read("charts_2/a.png")),
        ("mine".into(), "a".into())
    );
    assert!(!target.join("new.png").exists());
    // A link in the folder leads elsewhere.
    symlink(directory.path(), directory.path().join("charts_2/d")).unwrap();
    let fourth = folder(&target, &[("a.png", "a"), ("d/b.png", "b")]);
    assert_eq!(
        fourth.finish_or_join().unwrap(),
        directory.path().join("charts_3")
    );
    assert_eq!(names(directory.path()), ["charts", "charts_2", "charts_3"]);
}

#[test]
fn a_folder_that_must_be_new_gets_a_number() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("raw");
    for name in ["raw", "raw_2", "raw_3"] {
        let folder = folder(&target, &[("a", "a")]);
        assert_eq!(folder.finish(&target).unwrap(), directory.path().join(name));
    }
}

#[test]
fn an_unfinished_folder_is_removed_with_its_contents() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("raw");
    drop(folder(&target, &[("a/b/c", "x")]));
    let there_is_none = directory.path().join("nowhere/raw");
    folder(&target, &[("a", "x")])
        .finish(&there_is_none)
        .unwrap_err();
    create(&there_is_none, b"x", Readers::Umask).unwrap_err();
    replace(&there_is_none, b"x", Readers::Umask).unwrap_err();
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn a_file_is_kept_if_it_is_as_it_should_be() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    for _ in 0..2 {
        create_or_keep(&path, b"ours", Readers::Umask).unwrap();
    }
    let error = create_or_keep(&path, b"not the same", Readers::Umask).unwrap_err();
    assert_eq!(error.cause().to_string(), "another file has this name");
    assert_eq!(fs::read(&path).unwrap(), b"ours");
}

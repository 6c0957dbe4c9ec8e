use super::*;
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime};

fn disk(folder: &Path, most: u64) -> Disk {
    Disk::open(&DiskOptions { folder: folder.into(), empty: false, most }).unwrap()
}

/// Stores so many bytes, as written `age` seconds ago.
fn store(disk: &Disk, name: &str, bytes: usize, age: u64) {
    let key = Key::named(name);
    disk.store(&key, |file| fs::write(file, vec![7; bytes]).map_err(|e| e.to_string())).unwrap();
    let written = SystemTime::now() - Duration::from_secs(age);
    File::options().append(true).open(disk.recipe(&key)).unwrap().set_modified(written).unwrap();
}

/// The length of the entry that is found.
fn found(disk: &Disk, name: &str) -> Option<usize> {
    let read = |file: &Path| fs::read(file).map(|bytes| bytes.len()).map_err(|e| e.to_string());
    disk.find(&Key::named(name), read).unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

#[test]
fn the_bridges_variable_is_read() {
    let options: DiskOptions = "/var/recipes,True,64".parse().unwrap();
    assert_eq!((options.empty, options.most), (true, 64 << 20));
    assert_eq!("/var/recipes".parse::<DiskOptions>().unwrap().most, 1 << 30);
    assert!("/var/recipes,perhaps".parse::<DiskOptions>().is_err());
    assert!("".parse::<DiskOptions>().is_err());
}

#[test]
fn the_oldest_go_beyond_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(folder.path(), 250);
    store(&disk, "middle", 100, 200);
    store(&disk, "oldest", 100, 300);
    store(&disk, "newest", 100, 100);
    assert_eq!(["oldest", "middle", "newest"].map(|name| found(&disk, name)), [None, Some(100), Some(100)]);
    store(&disk, "large", 251, 0);
    assert_eq!(files(folder.path()), ["large.json", "large.recipe", "lock"], "what was just made is kept");
}

#[test]
fn a_folder_is_emptied_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    store(&disk(folder.path(), 1000), "one", 10, 0);
    fs::write(folder.path().join("another's.txt"), "kept").unwrap();
    let empty = DiskOptions { folder: folder.path().into(), empty: true, most: 1000 };
    Disk::open(&empty).unwrap();
    assert_eq!(files(folder.path()), ["another's.txt", "lock"]);
}

#[test]
fn what_is_not_whole_is_removed_and_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(folder.path(), 1000);
    type Damage = fn(&Path) -> io::Result<()>;
    let damages: [Damage; 5] = [
        |recipe| fs::write(recipe, vec![8; 100]),
        |recipe| fs::write(recipe, vec![7; 99]),
        |recipe| fs::remove_file(recipe),
        |recipe| fs::write(recipe.with_extension("json"), "{"),
        |recipe| fs::write(recipe.with_extension("json"), r#"{"sha256": "0", "bytes": 100}"#),
    ];
    for (index, damage) in damages.iter().enumerate() {
        store(&disk, "one", 100, 0);
        assert_eq!(found(&disk, "one"), Some(100));
        damage(&disk.recipe(&Key::named("one"))).unwrap();
        assert_eq!(found(&disk, "one"), None, "damage {index}");
        assert_eq!(files(folder.path()), ["lock"], "damage {index}");
    }
    store(&disk, "one", 100, 0);
    let told = disk.find(&Key::named("one"), |_| Err::<(), _>("the library refuses it".into())).unwrap_err();
    assert!(told.contains("one.recipe: the library refuses it"), "{told}");
    assert_eq!(files(folder.path()), ["lock"]);
}

#[test]
fn nothing_is_left_of_a_recipe_that_was_not_written_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(folder.path(), 1000);
    let half = disk.store(&Key::named("one"), |file| {
        fs::write(file, "half").unwrap();
        Err("the disk is full".into())
    });
    assert_eq!(half, Err("the disk is full".into()));
    assert_eq!(files(folder.path()), ["lock"]);
}

#[test]
fn whoever_reads_waits_for_whoever_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, reader) = (disk(folder.path(), 1000), disk(folder.path(), 1000));
    let (send, receive) = channel();
    std::thread::scope(|scope| {
        let stored = writer.store(&Key::named("one"), |file| {
            scope.spawn(move || send.send(found(&reader, "one")).unwrap());
            let early = receive.recv_timeout(Duration::from_millis(200));
            assert!(early.is_err(), "it read while another wrote: {early:?}");
            fs::write(file, vec![7; 100]).map_err(|e| e.to_string())
        });
        stored.unwrap();
        assert_eq!(receive.recv().unwrap(), Some(100));
    });
}

//! The limit that the disk sets.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Instant;

/// A file of zeros whose blocks are all there already.
pub(crate) fn preallocated(path: &Path, length: usize) -> File {
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let block = vec![0; 1 << 20];
    for _ in 0..length.div_ceil(block.len()) {
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

/// The median and the 99th percentile in ms of one write of a frame and its sync.
pub(crate) fn sync_time(folder: &Path) -> (f64, f64) {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join("sync");
    let mut file = preallocated(&path, 1 << 20);
    let mut times: Vec<f64> = (0..500)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&[7; 768]).unwrap();
            file.sync_data().unwrap();
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    std::fs::remove_file(path).unwrap();
    times.sort_by(f64::total_cmp);
    (times[250], times[495])
}

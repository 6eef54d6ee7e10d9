//! A folder of messages. A file is there whole or not at all, and only its owner may read it: messages hold links that
//! open accounts.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Writes `NAME.eml`; one that is there already is replaced. It is durable when this returns.
pub(super) async fn put(folder: &Path, name: &str, message: Vec<u8>) -> io::Result<()> {
    let (folder, name) = (folder.to_owned(), name.to_owned());
    tokio::task::spawn_blocking(move || write(&folder, &name, &message)).await.map_err(io::Error::other)?
}

fn write(folder: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let (begun, done) = (folder.join(format!(".{name}.part")), folder.join(format!("{name}.eml")));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&begun)?;
    file.write_all(message)?;
    file.sync_all()?;
    std::fs::rename(&begun, &done)?;
    File::open(folder)?.sync_all()
}

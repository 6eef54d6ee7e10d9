//! The pepper file: read at every start, made at the first.

use crate::complaint::Complaint;
use cardea_gateway::ground::Peppers;
use cardea_model::Random;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Readable and writable by its owner only.
const OWNER_ONLY: u32 = 0o600;
/// A real one has a hundred bytes.
const LARGEST: u64 = 64 << 10;

/// Reads the pepper file; nothing if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Peppers>, Complaint> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| Complaint::new(&name, format!("cannot be read: {error}"));
    let file = match OpenOptions::new().read(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(unreadable)?,
    };
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    // Whoever reads the pepper and the database can forge every key.
    if mode & 0o077 != 0 {
        return Err(
            Complaint::new(&name, format!("may be read by others (mode {mode:03o})")).hint(format!("chmod 600 {name}"))
        );
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text).map_err(unreadable)?;
    Peppers::read(&text).map(Some).map_err(|error| {
        Complaint::new(&name, error.to_string()).hint("put the file back from its copy; without it every key is dead")
    })
}

/// Makes the pepper file with its folder, never over another one.
pub(crate) fn create(path: &Path, random: &dyn Random) -> Result<Peppers, Complaint> {
    let name = path.display().to_string();
    let failed = |error: std::io::Error| {
        Complaint::new(&name, format!("cannot be made: {error}")).hint("set `keys.pepper_file` to a place where it can")
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let text = Peppers::generate(random);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Peppers::read(text.as_bytes()).map_err(|error| Complaint::new(&name, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::OsRandom;

    fn prints(peppers: &Peppers) -> Vec<(u16, [u8; 32])> {
        peppers.fingerprints().collect()
    }

    #[test]
    fn a_pepper_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/pepper");
        assert!(read(&path).unwrap().is_none());
        let made = create(&path, &OsRandom).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(prints(&read(&path).unwrap().unwrap()), prints(&made));
        assert!(create(&path, &OsRandom).unwrap_err().to_string().contains("cannot be made"));
        assert_eq!(prints(&read(&path).unwrap().unwrap()), prints(&made));
    }

    #[test]
    fn a_pepper_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pepper");
        create(&path, &OsRandom).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let complaint = read(&path).unwrap_err();
        assert!(complaint.what.contains("640"), "{complaint}");
        assert!(complaint.hint.unwrap().starts_with("chmod 600"));
    }

    #[test]
    fn a_spoilt_file_is_refused_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pepper");
        std::fs::write(&path, "hunter2\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!read(&path).unwrap_err().to_string().contains("hunter2"));
    }
}

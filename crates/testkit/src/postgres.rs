//! PostgreSQL for tests: a server of our own, started by the first test that needs it and shared by all
//! test processes of one target folder.
//!
//! ```text
//! target/debug/postgres/  start   held while someone looks whether a server runs, and starts one
//!                         users   held shared by every test process, as long as it lives
//!                         keeper  held by the keeper, so that there is one
//!                         server  where the server's data are, and its port
//! /tmp/cardea-postgres-…/ data    owned by the account `postgres` when tests run as root
//! ```
//! The keeper is a small shell script. It waits until nobody holds `users`, lingers, and if still
//! nobody does it stops the server and removes its data. Locks end with their process, however it ends,
//! so nothing stays behind; a test that arrives while the server is being stopped waits and starts anew.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

/// Nothing here needs to outlive a crash of the machine.
const SETTINGS: &str = "
fsync = off
full_page_writes = off
max_connections = 300
shared_buffers = 32MB
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
";

/// Arguments: the folder of the locks, seconds to linger, and the command that stops a server. The
/// lock on `keeper` is let go before the one on `users`, because whoever gets `users` next starts a
/// keeper of its own.
const KEEPER: &str = r#"
locks=$1 linger=$2; shift 2
exec 9>"$locks/keeper"
flock -n 9 || exit 0
while :; do
    flock -x "$locks/users" true
    sleep "$linger"
    exec 8>"$locks/users"
    if flock -n -x 8; then
        home=$(head -n 1 "$locks/server")
        "$@" -D "$home/data" -w -s -m immediate stop
        rm -rf "$home" "$locks/server"
        [ "$linger" != 0 ] || rm -rf "$locks"
        exec 9>&-
        exit 0
    fi
    exec 8>&-
done
"#;

/// How long a shared server outlives its last user, in seconds: the next test may be near.
const LINGER: u32 = 3;

/// A running server, which lives at least as long as this.
#[derive(Debug)]
pub struct Cluster {
    tools: Tools,
    home: PathBuf,
    port: u16,
    _user: File,
}

impl Cluster {
    /// The server that all tests of this target folder share.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let join = || Self::join(&shared_locks()?, LINGER);
        let shared = SHARED.get_or_init(|| join().map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// A server for one test, which may kill it.
    pub fn alone() -> Result<Self> {
        let locks = tempfile::Builder::new().prefix("cardea-locks-").tempdir()?.keep();
        Self::join(&locks, 0)
    }

    /// The address of a new, empty database. It is dropped when a later test finds this process gone.
    pub fn fresh_database(&self) -> Result<String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        self.drop_databases_of_the_dead();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        // A process of this number lived before, if the name is taken.
        self.psql(&[
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            &format!("CREATE DATABASE {name} TEMPLATE template0"),
        ])?;
        Ok(format!("postgres://postgres@127.0.0.1:{}/{name}", self.port))
    }

    /// Ends the server as a power cut would: no checkpoint, no goodbye to clients.
    pub fn kill(&self) -> Result<()> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        let pid = file.lines().next().context("no process in postmaster.pid")?;
        succeed(Command::new("kill").args(["-KILL", pid])).map(drop)
    }

    /// Starts the server again after [`kill`](Self::kill), on the same port, with the same data.
    pub fn start(&self) -> Result<()> {
        let mut attempt = self.launch();
        // Until the last child of the killed server has noticed, its memory is in use.
        for _ in 0..50 {
            if attempt.is_ok() {
                break;
            }
            attempt = self.launch();
        }
        attempt
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn join(locks: &Path, linger: u32) -> Result<Self> {
        let start = lock_file(locks, "start")?;
        start.lock()?;
        // Waits while the keeper stops a server that nobody used.
        let user = lock_file(locks, "users")?;
        user.lock_shared()?;
        let tools = Tools::find()?;
        if let Some(cluster) = Self::running(&tools, locks, &user)? {
            cluster.tools.keep(locks, linger)?;
            return Ok(cluster);
        }
        let home = tempfile::Builder::new().prefix("cardea-postgres-").tempdir()?.keep();
        let mut cluster = Self { tools, home, port: 0, _user: user };
        // The keeper knows of the folder before anything is in it.
        cluster.note(locks)?;
        cluster.tools.keep(locks, linger)?;
        cluster.create()?;
        cluster.note(locks)?;
        Ok(cluster)
    }

    /// The server that the file `server` tells of, if it lives.
    fn running(tools: &Tools, locks: &Path, user: &File) -> Result<Option<Self>> {
        let Ok(text) = std::fs::read_to_string(locks.join("server")) else {
            return Ok(None);
        };
        let (home, port) = text.split_once('\n').context("the file `server` is not ours")?;
        let (tools, port) = (tools.clone(), port.parse()?);
        let cluster = Self { tools, home: home.into(), port, _user: user.try_clone()? };
        if port != 0 && cluster.control(&["status"]).is_ok() {
            return Ok(Some(cluster));
        }
        if cluster.home.exists() {
            std::fs::remove_dir_all(&cluster.home)?;
        }
        Ok(None)
    }

    fn note(&self, locks: &Path) -> Result<()> {
        let text = format!("{}\n{}", self.home.display(), self.port);
        Ok(std::fs::write(locks.join("server"), text)?)
    }

    fn create(&mut self) -> Result<()> {
        if let Some((uid, gid)) = self.tools.account {
            std::os::unix::fs::chown(&self.home, Some(uid), Some(gid))?;
        }
        let mut initdb = self.tools.command("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--username=postgres"]);
        initdb.args(["--encoding=UTF8", "--locale=C", "-D"]);
        succeed(initdb.arg(self.data()))?;
        std::fs::write(self.data().join("postgresql.auto.conf"), SETTINGS)?;
        for _ in 0..5 {
            // Another program may take the port before the server does.
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            self.port = free.local_addr()?.port();
            drop(free);
            if self.launch().is_ok() {
                return Ok(());
            }
        }
        let log = std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
        bail!("PostgreSQL does not start: {log}")
    }

    fn launch(&self) -> Result<()> {
        let log = self.home.join("log");
        let log = log.to_str().context("a temporary folder whose name is not text")?;
        let port = format!("-p {}", self.port);
        self.control(&["start", "-w", "-s", "-l", log, "-o", &port])
    }

    fn control(&self, args: &[&str]) -> Result<()> {
        let mut control = self.tools.command("pg_ctl");
        succeed(control.arg("-D").arg(self.data()).args(args)).map(drop)
    }

    fn drop_databases_of_the_dead(&self) {
        let names = self.psql(&["SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'"]);
        for name in names.unwrap_or_default().lines() {
            let process = name.split('_').nth(1).unwrap_or_default();
            if !Path::new("/proc").join(process).exists() {
                // Another process may have dropped it meanwhile.
                let _ = self.psql(&[&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]);
            }
        }
    }

    fn psql(&self, statements: &[&str]) -> Result<String> {
        let mut psql = Command::new(self.tools.folder.join("psql"));
        psql.env_clear().args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres"]);
        psql.args(["-d", "postgres", "-p", &self.port.to_string()]);
        for statement in statements {
            psql.args(["-c", statement]);
        }
        succeed(&mut psql)
    }
}

/// Where the programs are, and who may run them.
#[derive(Clone, Debug)]
struct Tools {
    folder: PathBuf,
    /// The account that stands in for root, as which PostgreSQL refuses to run.
    account: Option<(u32, u32)>,
}

impl Tools {
    fn find() -> Result<Self> {
        let account = match id(&["-u"])? {
            0 => Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?)),
            _ => None,
        };
        // Debian keeps the server's programs of each version apart and off the path.
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let newest = versions
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
            .filter(|(_, folder)| folder.join("initdb").exists())
            .max();
        let folder = match newest {
            Some((_, folder)) => folder,
            None => succeed(Command::new("pg_config").arg("--bindir"))
                .context("PostgreSQL is needed for tests: install the package `postgresql`")?
                .trim()
                .into(),
        };
        Ok(Self { folder, account })
    }

    /// A program of the server, run by the account that may.
    fn command(&self, program: &str) -> Command {
        let program = self.folder.join(program);
        let mut command = match self.account {
            None => Command::new(program),
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
                command.arg("--").arg(program);
                command
            }
        };
        command.current_dir("/").process_group(0);
        command
    }

    /// Starts a keeper; it ends at once if there is one.
    fn keep(&self, locks: &Path, linger: u32) -> Result<()> {
        let stop = self.command("pg_ctl");
        Command::new("setsid")
            .args(["sh", "-c", KEEPER, "keeper"])
            .arg(locks)
            .arg(linger.to_string())
            .arg(stop.get_program())
            .args(stop.get_args())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("`setsid` and `flock` (util-linux) are needed")?;
        Ok(())
    }
}

fn id(args: &[&str]) -> Result<u32> {
    let answer = succeed(Command::new("id").args(args));
    Ok(answer.context("PostgreSQL needs an account `postgres` to run as")?.trim().parse()?)
}

/// The folder of the locks: beside the test programs, thus one for each target folder and profile.
fn shared_locks() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.ancestors().nth(2).context("a test program at the root")?.join("postgres");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn lock_file(locks: &Path, name: &str) -> Result<File> {
    Ok(File::options().create(true).truncate(false).write(true).open(locks.join(name))?)
}

/// Runs a program to its end; what it printed.
fn succeed(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_owned();
    // A server that `pg_ctl` leaves behind must not hold our pipes, hence files.
    let (mut printed, mut complaints) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let status = command
        .stdin(Stdio::null())
        .stdout(printed.try_clone()?)
        .stderr(complaints.try_clone()?)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let complaint = read_back(&mut complaints)?;
    ensure!(status.success(), "{} failed: {complaint}", program.display());
    read_back(&mut printed)
}

fn read_back(file: &mut File) -> Result<String> {
    use std::io::{Read as _, Seek as _};
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

//! Services that others wrote sign people in here: the strict client of npm, and a certified module of Apache.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cardea_testkit::{Browser, Engine, Node, NodeBuilder, World, stories};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use url::Url;

use super::FOLDER;
use crate::oauth::{APP_SECRET, apply};
use crate::registry::free_address;

stories! {
    the_client_of_npm_signs_people_in_and_out,
    apache_lets_in_whom_the_roles_let_in,
}

const CALLBACK: &str = "https://web.example/cb";
const GOODBYE: &str = "https://web.example/bye";

/// A service that speaks in lines of JSON. It ends with its handle.
struct Service {
    _running: Child,
    said: Lines<BufReader<ChildStdout>>,
    told: ChildStdin,
}

impl Service {
    fn start(node: &Node) -> Result<Self> {
        let mut running = Command::new("node")
            .args(["openid-client.mjs", &node.url, "web", APP_SECRET, CALLBACK, GOODBYE])
            .current_dir(FOLDER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node is missing: run scripts/setup.sh test")?;
        let said = BufReader::new(running.stdout.take().context("its output")?).lines();
        let told = running.stdin.take().context("its input")?;
        Ok(Self { _running: running, said, told })
    }

    async fn says(&mut self) -> Result<Value> {
        let line = tokio::time::timeout(Duration::from_secs(60), self.said.next_line()).await??;
        Ok(serde_json::from_str(&line.context("openid-client has given up; its last words are above")?)?)
    }

    /// Sends the browser where the service wants it, and tells the service where it has arrived.
    async fn visit(&mut self, browser: &Browser, said: &Value) -> Result<()> {
        let go = Url::parse(said["go"].as_str().with_context(|| format!("nowhere to go: {said}"))?)?;
        let answer = browser.get(go.as_str()).await?;
        ensure!(answer.status == 303, "{} {}", answer.status, answer.body);
        Ok(self.told.write_all(format!("{}\n", answer.header("location")).as_bytes()).await?)
    }
}

async fn the_client_of_npm_signs_people_in_and_out(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
    let web = json!({"client_id": "web", "name": "Web", "secret": APP_SECRET, "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [GOODBYE], "grants": ["authorization_code", "refresh_token"], "services": ["registry"]});
    apply(&world, vec![web]).await?;
    let mut service = Service::start(world.node())?;
    // Once by HTTP Basic, and once with the secret in the body.
    for _ in 0..2 {
        let ana = world.sign_in("ana").await?;
        let me = ana.get("/api/v1/me").await?.json();
        let said = service.says().await?;
        service.visit(&ana, &said).await?;
        let said = service.says().await?;
        for of in ["claims", "userinfo"] {
            assert_eq!((&said[of]["sub"], &said[of]["org"]), (&me["user"]["id"], &json!("acme")), "{said}");
            assert_eq!((&said[of]["email"], &said[of]["groups"]), (&me["user"]["email"], &json!(["registry:admin"])));
        }
        assert_eq!(said["scope"], "openid profile email groups org");
        service.visit(&ana, &said).await?;
        assert_eq!(ana.get("/api/v1/me").await?.status, 401);
        let ended = service.says().await?;
        let refused = "invalid_grant";
        let expected = json!({"state": true, "userinfo": "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "refreshed": refused, "again": refused});
        assert_eq!(ended, expected);
    }
    Ok(())
}

/// Apache on a free port, with the pages of a shop that only some may read. It ends with its handle.
async fn apache(world: &World, folder: &Path) -> Result<(Child, String)> {
    let front = free_address().await?;
    let shop = json!({"client_id": "shop", "name": "Shop", "secret": APP_SECRET, "services": ["registry", "catalog"],
        "redirect_uris": [format!("http://{front}/cb")], "post_logout_redirect_uris": [format!("http://{front}/bye")],
        "grants": ["authorization_code"]});
    apply(world, vec![shop]).await?;
    let pages = folder.join("pages");
    for (page, text) in [
        ("staff/index.html", "for whoever is signed in"),
        ("admins/index.html", "for admins of the registry"),
        ("bye", "goodbye"),
    ] {
        let file = pages.join(page);
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(file, text)?;
    }
    let (here, issuer) = (folder.display(), &world.node().url);
    let modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "mime", "auth_openidc"];
    let modules =
        modules.map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")).concat();
    let configuration = folder.join("apache.conf");
    fs::write(
        &configuration,
        format!(
            "ServerRoot {here}\nServerName 127.0.0.1\nListen {front}\nPidFile {here}/pid\nErrorLog {here}/error.log\n{modules}\
         User www-data\nGroup www-data\nTypesConfig /dev/null\nDocumentRoot {here}/pages\nDirectoryIndex index.html\n\
         OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration\nOIDCClientID shop\nOIDCClientSecret {APP_SECRET}\n\
         OIDCRedirectURI http://{front}/cb\nOIDCCryptoPassphrase {APP_SECRET}\nOIDCScope \"openid profile email groups\"\n\
         OIDCPKCEMethod S256\nOIDCRemoteUserClaim email\nOIDCCacheType file\nOIDCCacheDir {here}/cache\n\
         <Location /staff>\nAuthType openid-connect\nRequire valid-user\n</Location>\n\
         <Location /admins>\nAuthType openid-connect\nRequire claim groups:registry:admin\n</Location>\n\
         <Location /cb>\nAuthType openid-connect\nRequire valid-user\n</Location>\n",
        ),
    )?;
    fs::create_dir_all(folder.join("cache"))?;
    open_to_all(folder)?;
    let mut command = Command::new("/usr/sbin/apache2");
    command.arg("-f").arg(&configuration).arg("-X").kill_on_drop(true);
    let running = command.spawn().context("apache2 is missing: run scripts/setup.sh test")?;
    let up = async {
        while TcpStream::connect(&front).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), up).await;
    ensure!(waited.is_ok(), "{}", fs::read_to_string(folder.join("error.log")).unwrap_or_default());
    Ok((running, format!("http://{front}")))
}

/// Started as root, Apache works as another user, who has to read and write there too.
fn open_to_all(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for path in [folder.to_owned(), folder.join("cache")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
    }
    Ok(())
}

/// Follows redirects between the shop and the gateway until a page comes.
async fn through(browser: &Browser, start: &str) -> Result<(u16, String)> {
    let mut address = Url::parse(start)?;
    for _ in 0..10 {
        let answer = browser.get(address.as_str()).await?;
        if !(300..400).contains(&answer.status) {
            return Ok((answer.status, answer.body));
        }
        address = address.join(answer.header("location"))?;
    }
    anyhow::bail!("ten steps and no page, the last at {address}")
}

async fn apache_lets_in_whom_the_roles_let_in(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
    let folder = tempfile::tempdir()?;
    let (_running, shop) = apache(&world, folder.path()).await?;
    let (ana, bo) = (world.sign_in("ana").await?, world.sign_in("bo").await?);
    let (staff, admins) = (format!("{shop}/staff/"), format!("{shop}/admins/"));
    for browser in [&ana, &bo] {
        assert_eq!(through(browser, &staff).await?, (200, "for whoever is signed in".to_owned()));
    }
    assert_eq!(through(&ana, &admins).await?, (200, "for admins of the registry".to_owned()));
    assert_eq!(through(&bo, &admins).await?.0, 401);
    // Who signs out at the shop is signed out here, and comes back to its farewell.
    let farewell = format!("{shop}/cb?logout={shop}/bye");
    assert_eq!(through(&ana, &farewell).await?, (200, "goodbye".to_owned()));
    assert_eq!(ana.get("/api/v1/me").await?.status, 401);
    Ok(())
}

//! The same with the programs that people use: docker logs in, skopeo pushes and pulls, and Debian's registry believes the
//! gateway's tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cardea_tokens::hash::sha256;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use super::*;

stories! {
    docker_and_skopeo_work_with_a_registry_behind_the_gateway,
    a_registry_knows_the_key_in_whichever_way_it_was_told,
}

const MISSING: &str = "a program is missing: run scripts/setup.sh test";

/// A registry that knows tokens, on a free port, with its names in a folder of its own. It ends with its handle.
struct Registry {
    _running: Child,
    address: String,
    folder: PathBuf,
}

impl Registry {
    async fn start(node: &Node, folder: &Path, service: &str) -> Result<Self> {
        let folder = folder.join(service);
        fs::create_dir(&folder)?;
        let bundle = registry::trust_bundle(&node.app, &node.app.ctx(Caller::System("test"))).await?;
        fs::write(folder.join("bundle.pem"), bundle)?;
        let address = free_address().await?;
        let config = json!({"version": 0.1, "log": {"level": "info"}, "http": {"addr": address},
            "storage": {"filesystem": {"rootdirectory": folder.join("names")}},
            "auth": {"token": {"realm": format!("{}/token", node.url), "service": service, "issuer": node.url,
                "rootcertbundle": folder.join("bundle.pem")}}});
        fs::write(folder.join("config.yml"), config.to_string())?;
        let running = Command::new("docker-registry")
            .arg("serve")
            .arg(folder.join("config.yml"))
            .stdout(fs::File::create(folder.join("out"))?)
            .stderr(fs::File::create(folder.join("err"))?)
            .kill_on_drop(true)
            .spawn()
            .context(MISSING)?;
        let registry = Self { _running: running, address, folder };
        registry.wait().await?;
        Ok(registry)
    }

    async fn wait(&self) -> Result<()> {
        let up = async {
            while TcpStream::connect(&self.address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), up).await;
        waited.with_context(|| format!("it did not start: {}", self.said("err")))
    }

    fn said(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

pub(crate) async fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.to_string())
}

/// Somebody at a shell of their own.
struct Shell<'f>(&'f Path);

/// How a program ended, and all that it said.
struct Ended {
    good: bool,
    said: String,
}

impl Ended {
    fn good(self) -> Result<String> {
        ensure!(self.good, "it failed: {}", self.said);
        Ok(self.said)
    }

    fn bad(self) -> Result<String> {
        ensure!(!self.good, "it succeeded: {}", self.said);
        Ok(self.said)
    }
}

impl Shell<'_> {
    async fn run(&self, program: &str, words: &[&str], input: &str) -> Result<Ended> {
        let mut child = Command::new(program)
            .args(words)
            .current_dir(self.0)
            .env("HOME", self.0)
            .env("XDG_RUNTIME_DIR", self.0)
            .env("XDG_DATA_HOME", self.0)
            // Whatever daemon runs on this machine has nothing to do with it.
            .env("DOCKER_HOST", format!("unix://{}/nobody.sock", self.0.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context(MISSING)?;
        let mut stdin = child.stdin.take().context("its input")?;
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        let ended = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await??;
        let said = [ended.stdout, ended.stderr].concat();
        Ok(Ended { good: ended.status.success(), said: String::from_utf8_lossy(&said).into_owned() })
    }

    async fn docker_login(&self, registry: &Registry, key: &str) -> Result<Ended> {
        let words = ["--config", "docker", "login", &registry.address, "--username", USER, "--password-stdin"];
        self.run("docker", &words, key).await
    }

    async fn skopeo(&self, words: &str) -> Result<Ended> {
        let words: Vec<&str> = words.split(' ').collect();
        self.run("skopeo", &[&["--insecure-policy"], &*words].concat(), "").await
    }

    async fn skopeo_login(&self, registry: &Registry, file: &str, key: &str) -> Result<Ended> {
        let words = [
            "login",
            "--tls-verify=false",
            "--authfile",
            file,
            "--username",
            USER,
            "--password-stdin",
            &registry.address,
        ];
        self.run("skopeo", &words, key).await
    }

    async fn copy(&self, file: &str, from: &str, to: &str) -> Result<Ended> {
        self.skopeo(&format!("copy --src-tls-verify=false --dest-tls-verify=false --authfile {file} {from} {to}")).await
    }
}

fn hex(bytes: &[u8]) -> String {
    sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The smallest image there is: one layer, an empty archive.
fn image(folder: &Path) -> Result<()> {
    let blobs = folder.join("image/blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let put = |bytes: &[u8], kind: &str| -> Result<Value> {
        fs::write(blobs.join(hex(bytes)), bytes)?;
        let kind = format!("application/vnd.oci.image.{kind}");
        Ok(json!({"mediaType": kind, "digest": format!("sha256:{}", hex(bytes)), "size": bytes.len()}))
    };
    let archive = [0; 1024];
    let layer = put(&archive, "layer.v1.tar")?;
    let config = json!({"architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hex(&archive))]}});
    let config = put(config.to_string().as_bytes(), "config.v1+json")?;
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer],
        "mediaType": "application/vnd.oci.image.manifest.v1+json"});
    let mut manifest = put(manifest.to_string().as_bytes(), "manifest.v1+json")?;
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": "latest"});
    fs::write(folder.join("image/index.json"), json!({"schemaVersion": 2, "manifests": [manifest]}).to_string())?;
    fs::write(folder.join("image/oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    Ok(())
}

async fn docker_and_skopeo_work_with_a_registry_behind_the_gateway(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
    let (node, folder) = (world.node(), tempfile::tempdir()?);
    let shell = Shell(folder.path());
    let registry = Registry::start(node, folder.path(), "portal").await?;
    image(folder.path())?;
    let at = |name: &str| format!("docker://{}/{name}", registry.address);
    let ana = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    let owner = world.sign_in_owner().await?;
    let reader = service_key(&owner, "reader", containers(&["acme/app"], &["download_container"])).await?;

    // Both log in, in either order, and each reads what the other has kept.
    let wrong = shell.docker_login(&registry, "wrong").await?.bad()?;
    assert!(wrong.contains("unauthorized"), "{wrong}");
    assert!(shell.docker_login(&registry, &ana.secret).await?.good()?.contains("Login Succeeded"));
    let kept = fs::read_to_string(folder.path().join("docker/config.json"))?;
    assert!(kept.contains("\"auth\"") && !kept.contains("identitytoken"), "{kept}");
    shell.skopeo_login(&registry, "docker/config.json", &ana.secret).await?.good()?;
    let wrong = shell.skopeo_login(&registry, "wrong.json", "wrong").await?.bad()?;
    assert!(wrong.contains("invalid username/password") || wrong.contains("unauthorized"), "{wrong}");

    // skopeo pushes with docker's login, and pulls the same bytes.
    shell.copy("docker/config.json", "oci:image:latest", &at("acme/app:1")).await?.good()?;
    shell.copy("docker/config.json", &at("acme/app:1"), "dir:pulled").await?.good()?;
    let manifest: Value = serde_json::from_slice(&fs::read(folder.path().join("pulled/manifest.json"))?)?;
    let layer = manifest["layers"][0]["digest"].as_str().context("a layer")?.to_owned();
    assert!(folder.path().join("pulled").join(layer.trim_start_matches("sha256:")).exists());

    // From one repository into another it moves nothing: one token allows both.
    shell.copy("docker/config.json", &at("acme/app:1"), &at("acme/vision/app:1")).await?.good()?;
    let both = "service=portal&scope=repository:acme/vision/other:pull,push&scope=repository:acme/app:pull";
    let token = ask(node, Some(&ana.secret), both).await?.json()["token"].as_str().context("a token")?.to_owned();
    let mount = format!("/v2/acme/vision/other/blobs/uploads/?mount={layer}&from=acme/app");
    let browser = Browser::new(&format!("http://{}", registry.address))?;
    let mounted = browser.request(Method::POST, &mount).bearer_auth(&token).send().await?;
    assert_eq!(mounted.status(), 201);
    // The first scope alone would not have.
    let one = ask(node, Some(&ana.secret), "service=portal&scope=repository:acme/vision/other:pull,push").await?;
    let token = one.json()["token"].as_str().context("a token")?.to_owned();
    let alone = browser.request(Method::POST, &mount.replace("other", "third")).bearer_auth(&token).send().await?;
    assert_eq!(alone.status(), 401);

    // A key that may only pull one of them.
    shell.skopeo_login(&registry, "reader.json", &reader.secret).await?.good()?;
    shell.copy("reader.json", &at("acme/app:1"), "dir:read").await?.good()?;
    for (from, to) in [("oci:image:latest", at("acme/app:2")), (&at("acme/vision/app:1"), "dir:none".to_owned())] {
        let denied = shell.copy("reader.json", from, &to).await?.bad()?;
        assert!(denied.contains("denied") || denied.contains("unauthorized"), "{denied}");
    }

    // The door shuts: neither of the programs gets anything any more.
    let shut = owner.send(Method::POST, "/api/v1/orgs/acme/users/ana@corp.example/deactivate", &json!({})).await?;
    assert_eq!(shut.status, 200, "{}", shut.body);
    shell.copy("docker/config.json", &at("acme/app:1"), "dir:late").await?.bad()?;
    shell.copy("docker/config.json", "oci:image:latest", &at("acme/app:3")).await?.bad()?;
    assert!(shell.docker_login(&registry, &ana.secret).await?.bad()?.contains("unauthorized"));
    assert_eq!(
        fs::read_dir(registry.folder.join("names/docker/registry/v2/repositories/acme/app/_manifests/tags"))?.count(),
        1
    );
    Ok(())
}

/// By the certificate that a token carries, or by the name that it gives the key: Debian's registry, of before version 3,
/// knows only the older kind of name.
async fn a_registry_knows_the_key_in_whichever_way_it_was_told(engine: Engine) -> Result<()> {
    let world = World::with(engine, NodeBuilder::default().on_real_time()).await?;
    let (node, folder) = (world.node(), tempfile::tempdir()?);
    let shell = Shell(folder.path());
    let client = |id: &str, style: &str, x5c: bool| json!({"client_id": id, "name": id, "services": ["registry"], "kid_style": style, "x5c": x5c});
    let ways = [
        ("named", "libtrust", false, true),
        ("both", "libtrust", true, true),
        ("modern", "rfc7638", true, true),
        ("neither", "rfc7638", false, false),
    ];
    crate::oauth::apply(&world, ways.map(|(id, style, x5c, _)| client(id, style, x5c)).to_vec()).await?;
    let key = world.sign_in("ana").await?.make_key("laptop", &["registry"]).await?;
    for (id, _, _, believed) in ways {
        let registry = Registry::start(node, folder.path(), id).await?;
        let ended = shell.docker_login(&registry, &key.secret).await?;
        assert_eq!(ended.good, believed, "{id}: {} {}", ended.said, registry.said("err"));
    }
    // And by another's eyes, strictly.
    let bundle = registry::trust_bundle(&node.app, &node.app.ctx(Caller::System("test"))).await?;
    let mut certificates = bundle.split_inclusive("-----END CERTIFICATE-----\n");
    fs::write(folder.path().join("root.pem"), certificates.next().context("the authority")?)?;
    fs::write(folder.path().join("key.pem"), certificates.next().context("a key")?)?;
    let verified = shell.run("openssl", &["verify", "-x509_strict", "-CAfile", "root.pem", "key.pem"], "").await?;
    assert!(verified.good, "{}", verified.said);
    Ok(())
}

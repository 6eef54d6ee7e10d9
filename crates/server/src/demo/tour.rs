//! What the demo prints: where everything is, and a tour of a minute. The README's walk is the same tour.

use super::directory::Conversation;
use super::scene::{CONNECTION, Scene};
use std::io::IsTerminal as _;
use std::net::SocketAddr;

/// What can be typed into the demo's terminal.
pub(super) const KEYS: &str = "d deactivate Ana as Okta · e as Entra ID · r reactivate · q quit, then Enter\n";

/// The steps in a shell: what they are for, and the command.
const STEPS: [(&str, &str); 6] = [
    (
        "Sign in as Ana, through her company's provider",
        r#"curl -sSL -c "$JAR" -b "$JAR" "$CARDEA/login/okta?login_hint=ana@corp.example&return_to=/api/v1/me""#,
    ),
    (
        "Make an API key; it is shown this once",
        r#"KEY=$(curl -sS -b "$JAR" "$CARDEA/api/v1/me/keys" --json '{"name":"laptop","expires_in":"30d","services":["registry"]}' | sed 's/.*"secret":"\([^"]*\)".*/\1/')"#,
    ),
    (
        "A registry asks what the key may do",
        r#"check() { curl -sS -u "$PORTAL" "$CARDEA/api/v1/keys/check" --json '{"key":"'"$KEY"'","service":"registry","action":"download_container","entity_type":"container","entity":"acme/app"}'; }"#,
    ),
    ("Allowed", "check"),
    (
        "Her company's directory deactivates her, speaking SCIM",
        r#"curl -sSX POST "$DIRECTORY/deactivate?user=ana&dialect=okta""#,
    ),
    ("Refused, from that answer on", "check"),
];

/// Whether letters may have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// On a terminal.
    Coloured,
    /// In a pipe.
    Plain,
}

impl Paint {
    /// What stdout takes.
    pub(super) fn of_stdout() -> Self {
        if std::io::stdout().is_terminal() { Self::Coloured } else { Self::Plain }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self {
            Self::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

/// Everything that a newcomer needs, from the addresses to the last step.
pub(super) fn text(scene: &Scene, directory: SocketAddr, paint: Paint) -> String {
    let console = &scene.server.app.settings.public_url;
    let mut text = format!(
        "\n{}\n{}\n\n",
        paint.bold("Cardea demo"),
        paint.dim("All of it runs on this machine in a temporary folder and goes away with Ctrl-C.")
    );
    let places = [
        ("Console", console.clone(), ""),
        ("Owner", scene.owner_link.clone(), "works once; you choose the password"),
        ("Provider", scene.provider.issuer().to_owned(), "simulated; ana, bo, chika and dana of corp.example"),
        ("Directory", format!("http://{directory}"), "simulated; speaks SCIM as Okta or Entra ID"),
    ];
    for (name, address, note) in places {
        text.push_str(&format!("  {name:<10}{address}\n"));
        if !note.is_empty() {
            text.push_str(&format!("  {:<10}{}\n", "", paint.dim(note)));
        }
    }
    text.push_str(&format!(
        "  {:<10}{}\n",
        "SAML",
        paint.dim("simulated too; the same four people at other companies")
    ));
    for provider in scene.saml.each() {
        text.push_str(&format!("  {:<10}{}/switches\n", "", provider.base));
        let note = format!("{}: what it imitates and does wrong", provider.domain);
        text.push_str(&format!("  {:<10}{}\n", "", paint.dim(&note)));
    }
    text.push_str(&format!("\n{}\n\n", paint.bold("In a browser")));
    let interactive = std::io::stdin().is_terminal();
    let deactivate =
        if interactive { format!("press {} and Enter here", paint.bold("d")) } else { "as below".to_owned() };
    let clicks = [
        format!("Sign in as Ana: {console}/login/{CONNECTION} (or through SAML, as ana@adfs.example)"),
        "Make a key under My API keys, and copy it.".to_owned(),
        format!("Deactivate her: {deactivate}. Her page and her key are dead at once."),
        "Open the receipt that is printed then, signed in by the owner's link.".to_owned(),
    ];
    for (number, click) in clicks.iter().enumerate() {
        text.push_str(&format!("  {}  {click}\n", number + 1));
    }
    text.push_str(&format!("\n{}\n\n", paint.bold("Or in another terminal, line by line")));
    text.push_str(&format!("{}\n", variables(scene, directory)));
    for (what, command) in STEPS {
        text.push_str(&format!("\n{}\n{command}\n", paint.dim(&format!("# {what}"))));
    }
    let keys = if interactive { KEYS } else { "Ctrl-C ends the demo.\n" };
    text.push_str(&format!("\n{keys}"));
    text
}

/// What the commands of the tour need to know of this demo.
fn variables(scene: &Scene, directory: SocketAddr) -> String {
    let (console, secret) = (&scene.server.app.settings.public_url, &scene.portal_secret);
    format!("export CARDEA={console} DIRECTORY=http://{directory} PORTAL=portal:{secret} JAR=$(mktemp)")
}

/// What the directory and the gateway said.
pub(super) fn conversation(conversation: &Conversation, paint: Paint) -> String {
    let mut text = format!("\n{}\n\n", paint.bold(&conversation.title));
    let longest = conversation.exchanges.iter().map(|exchange| shortened(&exchange.path).chars().count()).max();
    for exchange in &conversation.exchanges {
        let (method, path, width) = (&exchange.method, shortened(&exchange.path), longest.unwrap_or_default());
        let (status, millis) = (exchange.status, exchange.took.as_millis());
        text.push_str(&format!("  {method:<6} {path:<width$}  {status}  {millis:>4} ms\n"));
    }
    if let Some(receipt) = &conversation.receipt {
        text.push_str(&format!("\n  Receipt  {receipt}\n"));
    }
    text
}

/// A path that fits a line.
fn shortened(path: &str) -> String {
    const MOST: usize = 72;
    let mut short: String = path.chars().take(MOST).collect();
    if short.len() < path.len() {
        short.push('…');
    }
    short
}

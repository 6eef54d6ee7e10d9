//! Canonical forms, signatures and encryption as libxml2 and libxmlsec1 see them, which share no line with what we use.
//! The program `xmlsec1` has to be there; without it these tests fail.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::world::*;
use crate::saml::*;

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cardea-second-opinion-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn xmlsec1(arguments: &[&str], file: &std::path::Path) -> std::process::Output {
    let run = Command::new("xmlsec1").args(arguments).arg(file).output();
    run.expect("the program xmlsec1 is needed; scripts/setup.sh installs it")
}

/// What a signature looks like before it is made.
fn template(prefixes: &str) -> String {
    let list = if prefixes.is_empty() {
        String::new()
    } else {
        format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{prefixes}\"/>"
        )
    };
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/>\n<ds:Reference URI=\"#target\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{list}</ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/></ds:Signature>"
    )
}

/// Numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// An element of any shape: prefixes declared, declared anew and left unused, default namespaces set and taken back,
/// attributes in any order and with any text, character references, sections.
fn grow(xml: &mut String, dice: &mut Dice, depth: u64) {
    const TEXTS: [&str; 9] = [
        "",
        "plain",
        " \n\t ",
        "a &amp; b &lt; c &gt; d",
        "&#xD;&#9;&#10;",
        "<![CDATA[<&>\"]]>",
        "caf\u{e9} \u{1f600}",
        "\"'",
        "<![CDATA[x\r\ny\r]]>",
    ];
    const VALUES: [&str; 6] = ["q\r\n\tr", "v", "&lt;&amp;&quot;'&gt;", "&#9;&#10;&#13; x", "\u{e9}", "a:b"];
    let prefix = ["", "a:", "b:", "c:"][usize::try_from(dice.below(4)).unwrap()];
    let name = format!("{prefix}e{}", dice.below(5));
    write!(xml, "<{name}").unwrap();
    for declared in ["a", "b", "c", "unused"] {
        if dice.below(3) == 0 {
            write!(xml, "\n xmlns:{declared}='urn:{declared}:{}'", dice.below(3)).unwrap();
        }
    }
    match dice.below(4) {
        0 => write!(xml, " xmlns=\"urn:default:{}\"", dice.below(3)).unwrap(),
        1 => write!(xml, " xmlns=''").unwrap(),
        _ => {}
    }
    for attribute in ["z", "b:y", "a:x", "c:w", "xml:lang", "B", "a"] {
        if dice.below(3) == 0 {
            let value = VALUES[usize::try_from(dice.below(6)).unwrap()];
            write!(xml, "  {attribute}=\"{value}\"").unwrap();
        }
    }
    if dice.below(6) == 0 {
        write!(xml, "/>").unwrap();
        return;
    }
    write!(xml, ">").unwrap();
    for _ in 0..dice.below(4) {
        write!(xml, "{}", TEXTS[usize::try_from(dice.below(9)).unwrap()]).unwrap();
        if depth < 6 {
            grow(xml, dice, depth + 1);
        }
    }
    write!(xml, "</{name} >").unwrap();
}

/// What libxmlsec1 signs, over elements of any shape in the middle of others, we find signed, and changed not.
#[test]
fn what_libxmlsec1_signs_is_signed() {
    let folder = Folder::new("signed");
    let key = folder.write("key.pem", include_str!("keys/idp.key"));
    let keys = [Certificate::read(Who::Idp.certificate()).unwrap()];
    let mut with_breaks = 0;
    for number in 0..60 {
        let mut dice = Dice(number * 7_919 + 1);
        let (mut before, mut inside) = (String::new(), String::new());
        grow(&mut before, &mut dice, 3);
        grow(&mut inside, &mut dice, 0);
        let prefixes = ["", "b", "#default a", "unused xs"][usize::try_from(number % 4).unwrap()];
        let own = ["", " xmlns:a='urn:a:1'", " xmlns='urn:default:2'"][usize::try_from(number % 3).unwrap()];
        let xml = format!(
            "<r xmlns='urn:default:0' xmlns:a='urn:a:0' xmlns:b='urn:b:0' xmlns:c='urn:c:0' xmlns:unused='urn:u:0'>{before}\
             <b:holder><target{own} ID='target'>{}\r\n{inside}</target></b:holder></r>",
            template(prefixes)
        );
        let file = folder.write("template.xml", &xml);
        let made = xmlsec1(&["--sign", "--privkey-pem", key.to_str().unwrap(), "--id-attr:ID", "target"], &file);
        let made = if made.status.success() {
            made
        } else {
            // Its name for an id needs the namespace of the element.
            let name = if own.contains("xmlns=") { "urn:default:2:target" } else { "urn:default:0:target" };
            xmlsec1(&["--sign", "--privkey-pem", key.to_str().unwrap(), "--id-attr:ID", name], &file)
        };
        assert!(made.status.success(), "{number}: {}\n{xml}", String::from_utf8_lossy(&made.stderr));
        let signed = String::from_utf8(made.stdout).unwrap();
        let tree = gate::parse(&signed, &gate::MESSAGE).unwrap();
        let target = |tree: &tree::Xml| {
            let holder = tree.root().elements().find(|node| node.is("urn:b:0", "holder"));
            holder
                .and_then(|holder| holder.elements().next())
                .map(|node| signature::verify(node, &keys).map(|by| by.is_some()))
        };
        assert_eq!(target(&tree), Some(Ok(true)), "{number}\n{signed}");
        with_breaks += usize::from(signed.contains("\"q  r\""));
        let broken = signed.replace("\"q  r\"", "'q\r\n\tr'").replace('\n', "\r\n").replace("\r\r", "\r");
        assert_eq!(target(&gate::parse(&broken, &gate::MESSAGE).unwrap()), Some(Ok(true)), "{number}\n{broken}");
        let changed = signed.replacen("</ds:Signature>", "</ds:Signature>x", 1);
        assert_eq!(target(&gate::parse(&changed, &gate::MESSAGE).unwrap()), Some(Err(SamlError::Digest)), "{number}");
    }
    assert!(with_breaks > 20, "{with_breaks}");
}

/// What we sign, libxmlsec1 finds signed: requests by form and logout messages.
#[test]
fn what_we_sign_libxmlsec1_finds_signed() {
    let folder = Folder::new("ours");
    let certificate = folder.write("certificate.pem", include_str!("keys/service.crt"));
    let settings = SamlSettings { entity_id: "https://cardea.example/?a=1&b=<\"\u{e9}\">\t".into(), ..settings() };
    let form = SamlConnector::new(settings).post(&flow(), now()).unwrap();
    let xml = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &form.fields[0].1).unwrap();
    let xml = String::from_utf8(xml).unwrap();
    let verify = |xml: &str| {
        let file = folder.write("request.xml", xml);
        let name = "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest";
        let arguments = ["--verify", "--pubkey-cert-pem", certificate.to_str().unwrap(), "--id-attr:ID", name];
        xmlsec1(&arguments, &file).status.success()
    };
    assert!(verify(&xml));
    assert!(!verify(&xml.replace("idp.example", "idp.invalid")));
}

#[test]
fn what_libxmlsec1_encrypts_is_opened() {
    let folder = Folder::new("encrypted");
    let certificate = folder.write("certificate.pem", include_str!("keys/service.crt"));
    let forge = Forge::new();
    let assertion = folder.write("assertion.xml", &forge.inner());
    let ciphers = [
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "aes-128"),
        ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "aes-256"),
        ("http://www.w3.org/2009/xmlenc11#aes128-gcm", "aes-128"),
        ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256"),
    ];
    for (cipher, key) in ciphers {
        let template = format!(
            "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
             Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod Algorithm=\"{cipher}\"/>\
             <ds:KeyInfo xmlns:ds=\"{DS}\"><xenc:EncryptedKey>\
             <xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/><xenc:CipherData>\
             <xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/>\
             </xenc:CipherData></xenc:EncryptedData>"
        );
        let template = folder.write("template.xml", &template);
        let arguments = [
            "--encrypt",
            "--pubkey-cert-pem",
            certificate.to_str().unwrap(),
            "--session-key",
            key,
            "--xml-data",
            assertion.to_str().unwrap(),
        ];
        let made = xmlsec1(&arguments, &template);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let data = String::from_utf8(made.stdout).unwrap();
        let data = data.split_once("?>").unwrap().1;
        let element = format!(
            "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{data}</saml:EncryptedAssertion>"
        );
        assert_eq!(finish(&forge.around(&element)).unwrap().identity.subject, "alice-1", "{cipher}");
    }
}

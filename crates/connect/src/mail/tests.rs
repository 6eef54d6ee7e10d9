use super::*;

fn letter() -> Letter {
    Letter {
        id: "msg_1".to_owned(),
        to: Email::parse("Ana.Ruiz@bücher.example").unwrap(),
        reply_to: Email::parse("ben@corp.example"),
        subject: "Hello\r\nBcc: eve@evil.example".to_owned(),
        text: "Grüße\n--msg_1\nBcc: eve@evil.example\n.\nend".to_owned(),
        html: "<p>Grüße</p>".to_owned(),
        at: Timestamp::from_seconds(1_795_255_200),
    }
}

fn sender() -> Email {
    Email::parse("noreply@gate.example").unwrap()
}

fn to(url: &str) -> MailWay {
    MailWay::Server { url: url.into(), authorities: Vec::new() }
}

#[tokio::test]
async fn a_message_in_the_folder_is_whole_private_and_the_same_each_time() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("cardea-mail-{}", std::process::id()));
    let mail = Mail::new(&MailWay::Folder(folder.join("mail")), &sender()).unwrap();
    mail.deliver(&letter()).await.unwrap();
    let path = folder.join("mail/1795255200000000_msg_1.eml");
    let first = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    mail.deliver(&letter()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    let names: Vec<_> = std::fs::read_dir(folder.join("mail")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["1795255200000000_msg_1.eml"]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_headers_say_who_when_and_that_no_answer_is_wanted() {
    let mail = Mail::new(&MailWay::Folder(PathBuf::new()), &sender()).unwrap();
    let text = String::from_utf8(mail.compose(&letter()).unwrap().formatted()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    for line in [
        "Message-ID: <msg_1@gate.example>",
        "Date: Sat, 21 Nov 2026 10:00:00 +0000",
        "From: Cardea <noreply@gate.example>",
        "To: Ana.Ruiz@xn--bcher-kva.example",
        "Reply-To: ben@corp.example",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
    ] {
        assert!(head.lines().any(|found| found == line), "{line} is not in\n{head}");
    }
    // A line of the subject's own making is none.
    assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc:")), "{head}");
}

#[test]
fn an_address_that_only_looks_like_one_is_given_up() {
    let mail = Mail::new(&MailWay::Folder(PathBuf::new()), &sender()).unwrap();
    let odd = Letter { to: Email::parse("ana..ruiz@corp.example").unwrap(), ..letter() };
    assert!(mail.compose(&odd).unwrap_err().is_final());
}

#[test]
fn only_loopback_is_spoken_to_in_the_clear() {
    for (url, plain) in [
        ("smtp://127.0.0.1:25", true),
        ("smtp://localhost", true),
        ("smtp://[::1]:25", true),
        ("smtp://localhost.evil.example", false),
        ("smtp://10.0.0.1", false),
        ("smtp://mail.example?tls=opportunistic", false),
        ("smtp://127.0.0.1:25?tls=none", true),
        ("smtp://127.0.0.1:25?tls=required", false),
        ("smtps://127.0.0.1", false),
    ] {
        let way = Mail::new(&to(url), &sender()).unwrap().way;
        let Way::Server(server) = way else { panic!("{url}") };
        // The transport tells how it was made only so.
        assert_eq!(format!("{server:?}").contains("tls: None"), plain, "{url}: {server:?}");
    }
    for url in ["mail.example", "http://mail.example", "smtp:", "smtps://"] {
        assert!(matches!(Mail::new(&to(url), &sender()), Err(MailError::Server(_))), "{url}");
    }
}

#[test]
fn the_usual_port_is_the_one_of_how_it_speaks() {
    for (url, port) in [
        ("smtp://127.0.0.1", "port: 25"),
        ("smtp://mail.example", "port: 587"),
        ("smtps://mail.example", "port: 465"),
        ("smtps://user:pass%20word@mail.example:4465/?tls=none", "port: 4465"),
    ] {
        let way = Mail::new(&to(url), &sender()).unwrap().way;
        let Way::Server(server) = way else { panic!("{url}") };
        assert!(format!("{server:?}").contains(port), "{url}: {server:?}");
    }
}

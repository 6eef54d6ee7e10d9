use std::sync::Arc;
use std::sync::mpsc;

use super::*;

struct Zeros;
impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

const GOOD: &str = "Correct-horse-7-battery";

#[tokio::test]
async fn no_password_fits_nobody_and_nobody_costs_what_somebody_costs() {
    let passwords = Passwords::new(1, 0);
    assert_eq!(passwords.verify(None, GOOD.into()).await, Ok(false));
    // The cost of a verification is written in its hash: nobody's is the one that new passwords get.
    let real = passwords.hash(&Zeros, GOOD.into(), &[]).await.unwrap();
    let costs = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(costs(&real), costs(NOBODYS));
    assert_eq!(passwords.verify(Some(real), GOOD.into()).await, Ok(true));
}

#[tokio::test]
async fn a_password_that_is_too_long_fits_nobody_and_costs_nothing() {
    let passwords = Passwords::new(0, 0);
    assert_eq!(passwords.verify(None, GOOD.into()).await, Err(PasswordError::Busy), "no place at all");
    let long = "Correct-horse-7".repeat(LONGEST);
    assert_eq!(passwords.verify(None, long.clone().into()).await, Ok(false));
    let refused = passwords.hash(&Zeros, long.into(), &[]).await;
    assert_eq!(refused, Err(PasswordError::Weak(Weakness::Long)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_computes_one_waits_and_the_third_is_sent_away_at_once() {
    let passwords = Arc::new(Passwords::new(1, 1));
    let (go, gate) = mpsc::channel::<()>();
    let (began, begun) = mpsc::channel();
    let held = Arc::clone(&passwords);
    let first = tokio::spawn(async move {
        let work = move || {
            began.send(()).unwrap();
            gate.recv().unwrap();
        };
        held.compute(work).await
    });
    tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
    let waiting = Arc::clone(&passwords);
    let second = tokio::spawn(async move { waiting.verify(None, GOOD.into()).await });
    while passwords.places.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(passwords.verify(None, GOOD.into()).await, Err(PasswordError::Busy));
    let refused = passwords.hash(&Zeros, GOOD.into(), &[]).await;
    assert_eq!(refused, Err(PasswordError::Busy));
    assert!(!second.is_finished(), "it has no turn yet");
    go.send(()).unwrap();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(()), Ok(false)));
    assert_eq!(passwords.verify(None, GOOD.into()).await, Ok(false), "there is room again");
}

/// Counts up in steps that meet every byte.
struct Steps(std::sync::atomic::AtomicU8);
impl Random for Steps {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.fetch_add(89, std::sync::atomic::Ordering::Relaxed));
    }
}

#[tokio::test]
async fn what_is_made_for_somebody_can_be_a_password_and_is_another_one_each_time() {
    let (passwords, steps) = (Passwords::new(1, 0), Steps(0.into()));
    let [one, other] = [temporary(&steps), temporary(&steps)];
    assert_ne!(one, other);
    for text in [one, other] {
        assert_eq!(text.len(), 27, "{text}");
        assert!(passwords.hash(&steps, text.clone().into(), &[]).await.is_ok(), "{text}");
    }
}

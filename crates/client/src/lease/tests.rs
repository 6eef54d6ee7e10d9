use super::*;

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// The last millisecond after `start` at which it holds.
fn until(lease: &Lease, start: Instant) -> Option<u64> {
    (0..20_000).rev().find(|span| lease.holds(start + ms(*span)))
}

#[tokio::test]
async fn it_counts_from_the_read_that_a_sign_of_life_rests_on() {
    let start = Instant::now() + ms(60_000);
    let mut lease = Lease::new(ms(1000));
    assert_eq!(until(&lease, start), None, "nothing was heard");
    lease.renew(start, ms(0), ms(0));
    assert_eq!(until(&lease, start), Some(1000));
    lease.renew(start + ms(250), ms(250), ms(90));
    assert_eq!(until(&lease, start), Some(1160));
}

#[tokio::test]
async fn a_sign_that_was_held_up_counts_from_when_it_was_given() {
    let start = Instant::now() + ms(60_000);
    let mut lease = Lease::new(ms(1000));
    lease.renew(start, ms(0), ms(0));
    // The line was cut for five seconds, and delivers what it had kept.
    for at in [250, 500, 750] {
        lease.renew(start + ms(5000), ms(at), ms(0));
    }
    // Within a millisecond: so much the clocks may have drifted apart meanwhile.
    assert_eq!(until(&lease, start), Some(1751), "not from when they were heard");
    assert!(!lease.holds(start + ms(5000)));
    lease.renew(start + ms(5010), ms(5010), ms(0));
    assert!(lease.holds(start + ms(6000)) && !lease.holds(start + ms(6020)));
}

#[tokio::test]
async fn a_first_sign_that_was_slow_is_outdone_by_a_faster_one() {
    let start = Instant::now() + ms(60_000);
    let mut lease = Lease::new(ms(1000));
    lease.renew(start + ms(400), ms(0), ms(0));
    assert_eq!(until(&lease, start), Some(1400));
    lease.renew(start + ms(510), ms(500), ms(0));
    assert_eq!(until(&lease, start), Some(1510));
    lease.renew(start + ms(1200), ms(1000), ms(0));
    assert_eq!(until(&lease, start), Some(2010), "190 ms of it were spent on the way");
}

/// A clock that runs slower than ours by 100 parts in a million would seem later and later.
#[tokio::test]
async fn clocks_that_drift_apart_do_not_end_it() {
    let start = Instant::now() + ms(60_000);
    let mut lease = Lease::new(ms(1000));
    for beat in 0..200_000_u64 {
        let now = start + ms(beat * 250);
        lease.renew(now, ms(beat * 250 * 9999 / 10_000), ms(0));
        assert!(lease.holds(now + ms(990)), "{beat}");
        assert!(!lease.holds(now + ms(1002)), "{beat}");
    }
}

//! The receivers: how does an attempt to notify one go?

use std::time::Duration;

use bellwether_model::{FailureReason, Outcome, Remembered};

use crate::rng::Rng;

/// Chances in a thousand, of one attempt.
#[derive(Clone, Debug, Default)]
pub struct ReceiverFaults {
    pub fails: u64,
    /// The receiver takes it and answers that it failed.
    pub denies: u64,
    pub refuses: u64,
    pub limits: u64,
    pub hangs: u64,
    /// The receiver takes it, but its answer is lost.
    pub answer_lost: u64,
    /// The receiver takes it, and the attempt never ends.
    pub vanishes: u64,
    /// The receiver takes it, and answers late.
    pub slow: u64,
}

/// How one attempt goes.
#[derive(Clone, Debug)]
pub struct Response {
    pub arrives: bool,
    /// The outcome that the node gets, and when; `None` if it gets none.
    pub answer: Option<(Answered, Outcome)>,
    pub is_fault: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Answered {
    After(Duration),
    AtTheDeadline,
}

impl Response {
    pub fn draw(faults: Option<&ReceiverFaults>, rng: &mut Rng) -> Response {
        let soon = Answered::After(Duration::from_millis(rng.below(300)));
        let delivered = Outcome::Delivered { remember: Remembered::default() };
        let Some(faults) = faults else {
            return Response { arrives: true, answer: Some((soon, delivered)), is_fault: false };
        };
        let retry = |reason, after| Outcome::Retry { after, reason, detail: String::new() };
        let timeout = || retry(FailureReason::ContextDeadlineExceeded, None);
        let refusal =
            Outcome::Refused { reason: FailureReason::ClientError, detail: String::new() };
        let error = || retry(FailureReason::ServerError, None);
        let (arrives, answer) = if rng.permille(faults.fails) {
            (false, Some((soon, error())))
        } else if rng.permille(faults.denies) {
            (true, Some((soon, error())))
        } else if rng.permille(faults.refuses) {
            (false, Some((soon, refusal)))
        } else if rng.permille(faults.limits) {
            let after = Some(Duration::from_secs(rng.below(100)));
            (false, Some((soon, retry(FailureReason::RateLimited, after))))
        } else if rng.permille(faults.hangs) {
            (false, Some((Answered::AtTheDeadline, timeout())))
        } else if rng.permille(faults.answer_lost) {
            let late = Answered::After(Duration::from_secs(rng.below(20)));
            (true, Some((late, timeout())))
        } else if rng.permille(faults.vanishes) {
            (true, None)
        } else if rng.permille(faults.slow) {
            (true, Some((Answered::After(Duration::from_secs(rng.below(50))), delivered)))
        } else {
            return Response { arrives: true, answer: Some((soon, delivered)), is_fault: false };
        };
        Response { arrives, answer, is_fault: true }
    }
}

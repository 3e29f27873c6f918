//! Reading the body of a request.
//!
//! In: headers and a body. Out: its bytes, or the error for a body that is too long, makes no
//! progress, or does not claim to be JSON. The bytes are in memory that [`BodyBudget`] has granted.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::answer::ApiError;
use crate::body_budget::{BodyBudget, NoRoom, Room};
use crate::negotiate::check_content_type;

/// How a body is read.
#[derive(Clone, Copy)]
pub(crate) struct BodyReader<'a> {
    pub budget: &'a BodyBudget,
    /// Limit: length of this body.
    pub bytes_max: usize,
    /// When the request as a whole ends.
    pub deadline: Option<Instant>,
}

/// A whole body, and the memory that it takes.
pub(crate) struct HeldBody {
    pub bytes: Bytes,
    /// Whether there was one, be it kept or not.
    pub exists: bool,
    pub room: Option<Room>,
}

/// Why a body was not read to its end.
#[derive(Debug)]
pub(crate) enum BodyFault {
    /// Not JSON, or too long.
    Refused(ApiError),
    /// Nothing came for [`PROGRESS_MAX`].
    NoProgress,
    /// The request took longer than the operator allows.
    TimedOut,
    NoRoom(NoRoom),
    /// The client is most probably gone and does not read the answer.
    Ended(axum::Error),
}

impl BodyReader<'_> {
    /// Reads the body within its limits, if it claims to be JSON.
    pub async fn read(self, headers: &HeaderMap, mut body: Body) -> Result<HeldBody, BodyFault> {
        let too_large = || {
            let message = format!("body is larger than {} bytes", self.bytes_max);
            BodyFault::Refused(ApiError::framework(413, message))
        };
        let announced = body.size_hint().exact();
        if announced == Some(0) {
            return Ok(HeldBody::skipped(false));
        }
        if announced.is_some() {
            check_content_type(headers)?;
        }
        if announced.is_some_and(|length| length > self.bytes_max as u64) {
            return Err(too_large());
        }
        let room = self.room_for_head(headers).await?;
        let Some(first) = self.piece(&mut body, &room).await? else {
            return Ok(HeldBody::skipped(false));
        };
        check_content_type(headers)?;
        let mut bytes = Vec::new();
        let mut piece = first;
        loop {
            let length = bytes.len() + piece.len();
            if length > self.bytes_max {
                return Err(too_large());
            }
            if announced == Some(piece.len() as u64) {
                // It came as a whole, as most do.
                room.take(piece.len()).await?;
                room.complete();
                return Ok(HeldBody { bytes: piece, exists: true, room: Some(room) });
            }
            if length > bytes.capacity() {
                // Copied, since a piece may keep alive a buffer that is much larger than itself.
                let most = announced.map_or(self.bytes_max, |length| length as usize);
                let capacity = length.max((bytes.capacity() * 2).min(most));
                room.take(capacity - bytes.capacity()).await?;
                bytes.reserve_exact(capacity - bytes.len());
            }
            bytes.extend_from_slice(&piece);
            match self.piece(&mut body, &room).await? {
                Some(next) => piece = next,
                None => break,
            }
        }
        room.complete();
        Ok(HeldBody { bytes: bytes.into(), exists: true, room: Some(room) })
    }

    /// Reads a body that nobody asks for, and keeps nothing of it; says whether there was one.
    ///
    /// Compat: a body must claim to be JSON, whatever the method. The rest of it is read before the
    /// answer, so that the connection can be used again, unless it is long.
    pub async fn skip(self, headers: &HeaderMap, mut body: Body) -> Result<bool, BodyFault> {
        let announced = body.size_hint().exact();
        if announced == Some(0) {
            return Ok(false);
        }
        if announced.is_some() {
            check_content_type(headers)?;
        }
        let room = self.room_for_head(headers).await?;
        let mut skipped = 0;
        while let Some(piece) = self.piece(&mut body, &room).await? {
            if skipped == 0 {
                check_content_type(headers)?;
            }
            skipped += piece.len();
            if skipped > SKIPPED_BYTES_MAX {
                break;
            }
        }
        Ok(skipped > 0)
    }

    /// Room for the body, a part of which is taken for the head and what else a request needs while its
    /// body is read: there can be many on one connection.
    async fn room_for_head(self, headers: &HeaderMap) -> Result<Room, BodyFault> {
        let room = self.budget.open();
        let fields = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        room.take(fields.sum::<usize>().max(REQUEST_BYTES_MIN)).await?;
        Ok(room)
    }

    /// The next piece that is not empty; `None` at the end.
    async fn piece(self, body: &mut Body, room: &Room) -> Result<Option<Bytes>, BodyFault> {
        let progress = Instant::now() + PROGRESS_MAX;
        let (until, late) = match self.deadline {
            Some(deadline) if deadline < progress => (deadline, BodyFault::TimedOut),
            _ => (progress, BodyFault::NoProgress),
        };
        let next = async {
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame.map_err(BodyFault::Ended)?.into_data()
                    && !data.is_empty()
                {
                    return Ok(Some(data));
                }
            }
            Ok(None)
        };
        tokio::select! {
            biased;
            next = timeout_at(until, next) => next.unwrap_or(Err(late)),
            lost = room.lost() => Err(lost.into()),
        }
    }
}

impl HeldBody {
    /// Nothing was kept.
    pub fn skipped(exists: bool) -> Self {
        HeldBody { bytes: Bytes::new(), exists, room: None }
    }
}

impl BodyFault {
    pub fn into_error(self) -> ApiError {
        match self {
            BodyFault::Refused(error) => error,
            BodyFault::NoProgress => {
                let seconds = PROGRESS_MAX.as_secs();
                ApiError::framework(408, format!("nothing of the body came for {seconds} s"))
            }
            BodyFault::TimedOut => ApiError::framework(408, "the body did not come in time"),
            BodyFault::NoRoom(NoRoom { bytes_max }) => {
                let message = format!(
                    "the bodies of all requests take more than {bytes_max} bytes, try again later"
                );
                ApiError::framework(503, message)
            }
            BodyFault::Ended(error) => {
                ApiError::framework(400, format!("the body ended early: {error}"))
            }
        }
    }
}

impl From<ApiError> for BodyFault {
    fn from(error: ApiError) -> Self {
        BodyFault::Refused(error)
    }
}

impl From<NoRoom> for BodyFault {
    fn from(no_room: NoRoom) -> Self {
        BodyFault::NoRoom(no_room)
    }
}

/// Limit: time without a byte of a body that is being read.
const PROGRESS_MAX: Duration = Duration::from_secs(30);
/// What a request with a body is charged at least.
const REQUEST_BYTES_MIN: usize = 16 * 1024;
/// Limit: bytes that are read of a body that nobody asks for, as in Go.
const SKIPPED_BYTES_MAX: usize = 256 * 1024;

//! What faults of the store and broken rules of the model are in HTTP: the only place where they become that.
//!
//! Must not show internals.

use http::StatusCode;

use super::errors::{BadRequest, Busy, Internal, Kind, NotFound};
use super::problem::Problem;
use crate::model::Invalid;
use crate::store;

impl Problem {
    /// 404 with the noun that is not there.
    pub(crate) fn not_found(what: &str) -> Problem {
        NotFound::saying(format!("{what} not found"))
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Problem {
        let problem = if invalid.missing {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Problem::new(status, "missing_field", invalid.message)
        } else {
            BadRequest::saying(invalid.message)
        };
        Problem { field: Some(invalid.field).filter(|field| !field.is_empty()), ..problem }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        let unavailable =
            |code, text: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, text);
        match &error {
            store::Error::Busy => Busy::problem(),
            store::Error::Locked => unavailable(
                "locked",
                "Another program, such as a backup, has locked the database; nothing was changed, \
                 try again soon",
            )
            .retry_after(5),
            store::Error::Closed => {
                unavailable("stopping", "The server is stopping; nothing was changed, try again soon")
                    .retry_after(5)
            }
            store::Error::Full => unavailable(
                "disk_full",
                "The server's disk is full, or a quota of it is used up; nothing was changed. Free some space, it goes \
                 on by itself",
            )
            .retry_after(10),
            store::Error::Damaged(said) => unavailable("damaged", said),
            store::Error::Broken(_) => Problem {
                cause: Some(error.to_string()),
                ..Problem::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "unknown_outcome",
                    "The server's database failed or was taken away, and the server ends. A write may or \
                     may not have happened: repeat it with the same Idempotency-Key when the server is \
                     back",
                )
            },
            store::Error::Database(_) => {
                Problem { cause: Some(error.to_string()), ..Internal::problem() }
            }
        }
    }
}

//! Why a statement did not do what it was asked.

use cyberid_storage::StorageError;

/// A failure of a statement or a transaction.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite failed.
    Sql(sqlx::Error),
    /// A row holds what nobody could have written through the port.
    Corrupt(&'static str),
}

/// What a statement answers.
pub(crate) type Answer<T> = Result<T, Fault>;

const SQLITE_BUSY: i32 = 5;
const PRIMARY_CODE: i32 = 0xff;

impl Fault {
    /// Whether another connection was writing, so that nothing was done.
    pub(crate) fn is_busy(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(error)) = self else {
            return false;
        };
        let code = error.code().and_then(|code| code.parse::<i32>().ok());
        code.is_some_and(|code| code & PRIMARY_CODE == SQLITE_BUSY)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Fault> for StorageError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sql(error) => Self::Unknown(Box::new(error)),
            Fault::Corrupt(what) => Self::Corrupt(what),
        }
    }
}

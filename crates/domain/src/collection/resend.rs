//! When an attempt that never left is sent again.

use chrono::Duration;

/// How many attempts one after the other may not leave before a person looks: by then the gateway
/// has been away for more than a week.
pub(super) const MAX_NOT_SENT: i32 = 16;
/// How long to wait with sending again; doubled each time.
const FIRST: Duration = Duration::minutes(5);
/// After more than so many that did not leave, within a day, they are sent again daily.
const MAX_DOUBLED: i32 = 8;

/// How long to wait with sending again after so many attempts that did not leave.
pub(super) fn after(not_sent: i32) -> Duration {
    if not_sent > MAX_DOUBLED {
        return Duration::days(1);
    }
    FIRST * 2_i32.pow(not_sent.unsigned_abs().saturating_sub(1))
}

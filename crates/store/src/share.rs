//! What features brought, month by month, and what was credited of it.

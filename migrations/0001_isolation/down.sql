DROP PROCEDURE freeze(regclass);
DROP PROCEDURE keep(regclass);
DROP FUNCTION refuse_change();
DROP PROCEDURE isolate(regclass, text);
-- The role stays: it belongs to the server, and other databases may use it.
REVOKE USAGE ON SCHEMA public FROM recoup_service;

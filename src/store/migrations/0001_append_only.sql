-- Nothing that is recorded is changed or taken away. INSERT OR REPLACE deletes without firing a delete trigger, so an
-- insert on a key that is taken is ignored before SQLite gets to replace anything: that also makes every insert idempotent.
CREATE TRIGGER meta_no_update BEFORE UPDATE ON meta BEGIN
  SELECT RAISE(ABORT, 'meta is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER meta_no_delete BEFORE DELETE ON meta BEGIN
  SELECT RAISE(ABORT, 'meta is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER meta_no_replace BEFORE INSERT ON meta
  WHEN
    EXISTS (SELECT 1 FROM meta WHERE seq = NEW.seq) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER logins_no_update BEFORE UPDATE ON logins BEGIN
  SELECT RAISE(ABORT, 'logins is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER logins_no_delete BEFORE DELETE ON logins BEGIN
  SELECT RAISE(ABORT, 'logins is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER logins_no_replace BEFORE INSERT ON logins
  WHEN
    EXISTS (SELECT 1 FROM logins WHERE seq = NEW.seq)
    OR EXISTS (SELECT 1 FROM logins WHERE id = NEW.id) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER login_identities_no_update BEFORE UPDATE ON login_identities BEGIN
  SELECT RAISE(ABORT, 'login_identities is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER login_identities_no_delete BEFORE DELETE ON login_identities BEGIN
  SELECT RAISE(ABORT, 'login_identities is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER login_identities_no_replace BEFORE INSERT ON login_identities
  WHEN
    EXISTS (SELECT 1 FROM login_identities WHERE seq = NEW.seq) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER login_ends_no_update BEFORE UPDATE ON login_ends BEGIN
  SELECT RAISE(ABORT, 'login_ends is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER login_ends_no_delete BEFORE DELETE ON login_ends BEGIN
  SELECT RAISE(ABORT, 'login_ends is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER login_ends_no_replace BEFORE INSERT ON login_ends
  WHEN
    EXISTS (SELECT 1 FROM login_ends WHERE login = NEW.login AND lingering = NEW.lingering)
    OR EXISTS (SELECT 1 FROM login_ends WHERE rowid = NEW.rowid) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER login_revocations_no_update BEFORE UPDATE ON login_revocations BEGIN
  SELECT RAISE(ABORT, 'login_revocations is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER login_revocations_no_delete BEFORE DELETE ON login_revocations BEGIN
  SELECT RAISE(ABORT, 'login_revocations is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER login_revocations_no_replace BEFORE INSERT ON login_revocations
  WHEN
    EXISTS (SELECT 1 FROM login_revocations WHERE seq = NEW.seq)
    OR EXISTS (SELECT 1 FROM login_revocations WHERE login = NEW.login AND at = NEW.at) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER processes_no_update BEFORE UPDATE ON processes BEGIN
  SELECT RAISE(ABORT, 'processes is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER processes_no_delete BEFORE DELETE ON processes BEGIN
  SELECT RAISE(ABORT, 'processes is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER processes_no_replace BEFORE INSERT ON processes
  WHEN
    EXISTS (SELECT 1 FROM processes WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM processes WHERE login = NEW.login AND pid = NEW.pid AND start_ns = NEW.start_ns AND image = NEW.image) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER process_exits_no_update BEFORE UPDATE ON process_exits BEGIN
  SELECT RAISE(ABORT, 'process_exits is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER process_exits_no_delete BEFORE DELETE ON process_exits BEGIN
  SELECT RAISE(ABORT, 'process_exits is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER process_exits_no_replace BEFORE INSERT ON process_exits
  WHEN
    EXISTS (SELECT 1 FROM process_exits WHERE process = NEW.process) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER hops_no_update BEFORE UPDATE ON hops BEGIN
  SELECT RAISE(ABORT, 'hops is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER hops_no_delete BEFORE DELETE ON hops BEGIN
  SELECT RAISE(ABORT, 'hops is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER hops_no_replace BEFORE INSERT ON hops
  WHEN
    EXISTS (SELECT 1 FROM hops WHERE seq = NEW.seq)
    OR EXISTS (SELECT 1 FROM hops WHERE id = NEW.id) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER hop_ends_no_update BEFORE UPDATE ON hop_ends BEGIN
  SELECT RAISE(ABORT, 'hop_ends is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER hop_ends_no_delete BEFORE DELETE ON hop_ends BEGIN
  SELECT RAISE(ABORT, 'hop_ends is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER hop_ends_no_replace BEFORE INSERT ON hop_ends
  WHEN
    EXISTS (SELECT 1 FROM hop_ends WHERE hop = NEW.hop)
    OR EXISTS (SELECT 1 FROM hop_ends WHERE rowid = NEW.rowid) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN
  SELECT RAISE(ABORT, 'decisions is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions BEGIN
  SELECT RAISE(ABORT, 'decisions is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions
  WHEN
    EXISTS (SELECT 1 FROM decisions WHERE seq = NEW.seq)
    OR EXISTS (SELECT 1 FROM decisions WHERE hop = NEW.hop AND action = NEW.action AND at = NEW.at) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER actions_no_update BEFORE UPDATE ON actions BEGIN
  SELECT RAISE(ABORT, 'actions is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER actions_no_delete BEFORE DELETE ON actions BEGIN
  SELECT RAISE(ABORT, 'actions is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER actions_no_replace BEFORE INSERT ON actions
  WHEN
    EXISTS (SELECT 1 FROM actions WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM actions WHERE hop = NEW.hop AND seq = NEW.seq) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER handoffs_no_update BEFORE UPDATE ON handoffs BEGIN
  SELECT RAISE(ABORT, 'handoffs is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER handoffs_no_delete BEFORE DELETE ON handoffs BEGIN
  SELECT RAISE(ABORT, 'handoffs is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER handoffs_no_replace BEFORE INSERT ON handoffs
  WHEN
    EXISTS (SELECT 1 FROM handoffs WHERE id = NEW.id) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER notices_no_update BEFORE UPDATE ON notices BEGIN
  SELECT RAISE(ABORT, 'notices is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER notices_no_delete BEFORE DELETE ON notices BEGIN
  SELECT RAISE(ABORT, 'notices is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER notices_no_replace BEFORE INSERT ON notices
  WHEN
    EXISTS (SELECT 1 FROM notices WHERE id = NEW.id) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER __drizzle_migrations_no_update BEFORE UPDATE ON __drizzle_migrations BEGIN
  SELECT RAISE(ABORT, '__drizzle_migrations is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER __drizzle_migrations_no_delete BEFORE DELETE ON __drizzle_migrations BEGIN
  SELECT RAISE(ABORT, '__drizzle_migrations is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER __drizzle_migrations_no_replace BEFORE INSERT ON __drizzle_migrations
  WHEN
    EXISTS (SELECT 1 FROM __drizzle_migrations WHERE rowid = NEW.rowid) BEGIN
  SELECT RAISE(IGNORE);
END;

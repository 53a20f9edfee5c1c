CREATE TABLE `recording_ends` (
	`recording` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`bytes` integer NOT NULL,
	`sha256` text NOT NULL,
	`reason` text,
	FOREIGN KEY (`recording`) REFERENCES `recordings`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `recording_removals` (
	`recording` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`reason` text NOT NULL,
	FOREIGN KEY (`recording`) REFERENCES `recordings`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `recordings` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`hop` text NOT NULL,
	`kind` text NOT NULL,
	`file` text NOT NULL,
	`started` integer NOT NULL,
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `recordings_id` ON `recordings` (`id`);--> statement-breakpoint
CREATE INDEX `recordings_hop` ON `recordings` (`hop`);--> statement-breakpoint
CREATE INDEX `recordings_started` ON `recordings` (`started`);
--> statement-breakpoint
CREATE TRIGGER recordings_no_update BEFORE UPDATE ON recordings BEGIN
  SELECT RAISE(ABORT, 'recordings is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER recordings_no_delete BEFORE DELETE ON recordings BEGIN
  SELECT RAISE(ABORT, 'recordings is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER recordings_no_replace BEFORE INSERT ON recordings
  WHEN
    EXISTS (SELECT 1 FROM recordings WHERE seq = NEW.seq)
    OR EXISTS (SELECT 1 FROM recordings WHERE id = NEW.id) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER recording_ends_no_update BEFORE UPDATE ON recording_ends BEGIN
  SELECT RAISE(ABORT, 'recording_ends is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER recording_ends_no_delete BEFORE DELETE ON recording_ends BEGIN
  SELECT RAISE(ABORT, 'recording_ends is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER recording_ends_no_replace BEFORE INSERT ON recording_ends
  WHEN
    EXISTS (SELECT 1 FROM recording_ends WHERE recording = NEW.recording)
    OR EXISTS (SELECT 1 FROM recording_ends WHERE rowid = NEW.rowid) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER recording_removals_no_update BEFORE UPDATE ON recording_removals BEGIN
  SELECT RAISE(ABORT, 'recording_removals is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER recording_removals_no_delete BEFORE DELETE ON recording_removals BEGIN
  SELECT RAISE(ABORT, 'recording_removals is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER recording_removals_no_replace BEFORE INSERT ON recording_removals
  WHEN
    EXISTS (SELECT 1 FROM recording_removals WHERE recording = NEW.recording)
    OR EXISTS (SELECT 1 FROM recording_removals WHERE rowid = NEW.rowid) BEGIN
  SELECT RAISE(IGNORE);
END;

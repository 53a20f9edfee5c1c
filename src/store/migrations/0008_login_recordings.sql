-- A recording is of a hop or of a login. The tables that refer to it go by its name, which stays.
CREATE TABLE `__new_recordings` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`hop` text,
	`login` text,
	`kind` text NOT NULL,
	`file` text NOT NULL,
	`started` integer NOT NULL,
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`login`) REFERENCES `logins`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
INSERT INTO `__new_recordings`("seq", "id", "hop", "login", "kind", "file", "started") SELECT "seq", "id", "hop", NULL, "kind", "file", "started" FROM `recordings`;--> statement-breakpoint
DROP TABLE `recordings`;--> statement-breakpoint
ALTER TABLE `__new_recordings` RENAME TO `recordings`;--> statement-breakpoint
CREATE UNIQUE INDEX `recordings_id` ON `recordings` (`id`);--> statement-breakpoint
CREATE INDEX `recordings_hop` ON `recordings` (`hop`);--> statement-breakpoint
CREATE INDEX `recordings_login` ON `recordings` (`login`) WHERE login IS NOT NULL;--> statement-breakpoint
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

CREATE TABLE `action_ends` (
	`hop` text NOT NULL,
	`seq` integer NOT NULL,
	`at` integer NOT NULL,
	`detail` text NOT NULL,
	PRIMARY KEY(`hop`, `seq`),
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `actions_at` ON `actions` (`at`);--> statement-breakpoint
ALTER TABLE `actions` DROP COLUMN `ended`;
--> statement-breakpoint
CREATE TRIGGER action_ends_no_update BEFORE UPDATE ON action_ends BEGIN
  SELECT RAISE(ABORT, 'action_ends is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER action_ends_no_delete BEFORE DELETE ON action_ends BEGIN
  SELECT RAISE(ABORT, 'action_ends is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER action_ends_no_replace BEFORE INSERT ON action_ends
  WHEN
    EXISTS (SELECT 1 FROM action_ends WHERE hop = NEW.hop AND seq = NEW.seq) BEGIN
  SELECT RAISE(IGNORE);
END;

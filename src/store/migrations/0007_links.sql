CREATE TABLE `hop_children` (
	`hop` text NOT NULL,
	`host` text NOT NULL,
	`login` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`hop`, `host`, `login`),
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `hop_children_login` ON `hop_children` (`login`);--> statement-breakpoint
CREATE TABLE `hop_dials` (
	`hop` text PRIMARY KEY NOT NULL,
	`address` text NOT NULL,
	`port` integer NOT NULL,
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `hop_dials_source` ON `hop_dials` (`port`,`address`);--> statement-breakpoint
ALTER TABLE `login_identities` ADD `link` text;--> statement-breakpoint
ALTER TABLE `logins` ADD `link` text;
--> statement-breakpoint
CREATE TRIGGER hop_dials_no_update BEFORE UPDATE ON hop_dials BEGIN
  SELECT RAISE(ABORT, 'hop_dials is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER hop_dials_no_delete BEFORE DELETE ON hop_dials BEGIN
  SELECT RAISE(ABORT, 'hop_dials is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER hop_dials_no_replace BEFORE INSERT ON hop_dials
  WHEN
    EXISTS (SELECT 1 FROM hop_dials WHERE hop = NEW.hop) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER hop_children_no_update BEFORE UPDATE ON hop_children BEGIN
  SELECT RAISE(ABORT, 'hop_children is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER hop_children_no_delete BEFORE DELETE ON hop_children BEGIN
  SELECT RAISE(ABORT, 'hop_children is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER hop_children_no_replace BEFORE INSERT ON hop_children
  WHEN
    EXISTS (SELECT 1 FROM hop_children WHERE hop = NEW.hop AND host = NEW.host AND login = NEW.login) BEGIN
  SELECT RAISE(IGNORE);
END;

CREATE TABLE `approval_answers` (
	`approval` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`outcome` text NOT NULL,
	`by` text,
	`login` text,
	`uid` integer,
	`reason` text NOT NULL,
	FOREIGN KEY (`approval`) REFERENCES `approvals`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `approvals` (
	`id` integer PRIMARY KEY NOT NULL,
	`hop` text NOT NULL,
	`action` integer NOT NULL,
	`at` integer NOT NULL,
	`expires` integer NOT NULL,
	`requester` text NOT NULL,
	`user` text,
	`asks` text NOT NULL,
	`reason` text NOT NULL,
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `approvals_hop` ON `approvals` (`hop`,`action`);
--> statement-breakpoint
CREATE TRIGGER approvals_no_update BEFORE UPDATE ON approvals BEGIN
  SELECT RAISE(ABORT, 'approvals is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER approvals_no_delete BEFORE DELETE ON approvals BEGIN
  SELECT RAISE(ABORT, 'approvals is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER approvals_no_replace BEFORE INSERT ON approvals
  WHEN
    EXISTS (SELECT 1 FROM approvals WHERE id = NEW.id) BEGIN
  SELECT RAISE(IGNORE);
END;
--> statement-breakpoint
CREATE TRIGGER approval_answers_no_update BEFORE UPDATE ON approval_answers BEGIN
  SELECT RAISE(ABORT, 'approval_answers is append-only: update refused');
END;
--> statement-breakpoint
CREATE TRIGGER approval_answers_no_delete BEFORE DELETE ON approval_answers BEGIN
  SELECT RAISE(ABORT, 'approval_answers is append-only: delete refused');
END;
--> statement-breakpoint
CREATE TRIGGER approval_answers_no_replace BEFORE INSERT ON approval_answers
  WHEN
    EXISTS (SELECT 1 FROM approval_answers WHERE approval = NEW.approval) BEGIN
  SELECT RAISE(IGNORE);
END;

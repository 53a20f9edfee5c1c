CREATE TABLE `actions` (
	`id` integer PRIMARY KEY NOT NULL,
	`hop` text NOT NULL,
	`seq` integer NOT NULL,
	`kind` text NOT NULL,
	`at` integer NOT NULL,
	`ended` integer,
	`subject` text NOT NULL,
	`detail` text NOT NULL,
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `actions_hop` ON `actions` (`hop`,`seq`);--> statement-breakpoint
CREATE TABLE `decisions` (
	`seq` integer PRIMARY KEY NOT NULL,
	`hop` text NOT NULL,
	`action` integer NOT NULL,
	`at` integer NOT NULL,
	`outcome` text NOT NULL,
	`policies` text NOT NULL,
	`reason` text NOT NULL,
	`observed` integer NOT NULL,
	`errors` text NOT NULL,
	`version` text NOT NULL,
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `decisions_hop` ON `decisions` (`hop`,`action`,`at`);--> statement-breakpoint
CREATE INDEX `decisions_refused` ON `decisions` (`outcome`,`hop`) WHERE outcome <> 'allow';--> statement-breakpoint
CREATE TABLE `handoffs` (
	`id` integer PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`login` text,
	`process` integer,
	`to_login` text,
	`to_pid` integer NOT NULL,
	`via` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `handoffs_event` ON `handoffs` (`at`,`to_pid`);--> statement-breakpoint
CREATE INDEX `handoffs_login` ON `handoffs` (`login`);--> statement-breakpoint
CREATE INDEX `handoffs_to_login` ON `handoffs` (`to_login`);--> statement-breakpoint
CREATE TABLE `hop_ends` (
	`hop` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`bytes_up` integer,
	`bytes_down` integer,
	`reason` text,
	FOREIGN KEY (`hop`) REFERENCES `hops`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `hops` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`login` text,
	`process` integer,
	`chain` text NOT NULL,
	`target` text,
	`name` text,
	`transport` text NOT NULL,
	`protocol` text NOT NULL,
	`address` text NOT NULL,
	`port` integer NOT NULL,
	`started` integer NOT NULL,
	`mode` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `hops_id` ON `hops` (`id`);--> statement-breakpoint
CREATE INDEX `hops_login` ON `hops` (`login`,`started`);--> statement-breakpoint
CREATE INDEX `hops_target` ON `hops` (`target`,`started`);--> statement-breakpoint
CREATE INDEX `hops_name` ON `hops` (`name`,`started`);--> statement-breakpoint
CREATE INDEX `hops_address` ON `hops` (`address`,`started`);--> statement-breakpoint
CREATE INDEX `hops_started` ON `hops` (`started`);--> statement-breakpoint
CREATE TABLE `login_ends` (
	`login` text NOT NULL,
	`lingering` integer NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`login`, `lingering`),
	FOREIGN KEY (`login`) REFERENCES `logins`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `login_identities` (
	`seq` integer PRIMARY KEY NOT NULL,
	`login` text NOT NULL,
	`at` integer NOT NULL,
	`user` text,
	`uid` integer,
	`identity` text,
	`identity_name` text,
	`client_address` text,
	`client_port` integer,
	`tty` text,
	`parent_hop` text,
	FOREIGN KEY (`login`) REFERENCES `logins`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `login_identities_login` ON `login_identities` (`login`);--> statement-breakpoint
CREATE INDEX `login_identities_user` ON `login_identities` (`user`);--> statement-breakpoint
CREATE INDEX `login_identities_identity_name` ON `login_identities` (`identity_name`);--> statement-breakpoint
CREATE INDEX `login_identities_parent_hop` ON `login_identities` (`parent_hop`);--> statement-breakpoint
CREATE TABLE `login_revocations` (
	`seq` integer PRIMARY KEY NOT NULL,
	`login` text NOT NULL,
	`at` integer NOT NULL,
	`by` text NOT NULL,
	`reason` text NOT NULL,
	FOREIGN KEY (`login`) REFERENCES `logins`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `login_revocations_login_at` ON `login_revocations` (`login`,`at`);--> statement-breakpoint
CREATE TABLE `logins` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`boot` text NOT NULL,
	`host` text NOT NULL,
	`kind` text NOT NULL,
	`source` text,
	`user` text,
	`uid` integer,
	`identity` text,
	`identity_name` text,
	`client_address` text,
	`client_port` integer,
	`tty` text,
	`started` integer NOT NULL,
	`recovered` integer NOT NULL,
	`parent_hop` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `logins_id` ON `logins` (`id`);--> statement-breakpoint
CREATE INDEX `logins_boot` ON `logins` (`boot`);--> statement-breakpoint
CREATE INDEX `logins_started` ON `logins` (`started`);--> statement-breakpoint
CREATE INDEX `logins_user` ON `logins` (`user`);--> statement-breakpoint
CREATE INDEX `logins_identity_name` ON `logins` (`identity_name`);--> statement-breakpoint
CREATE INDEX `logins_parent_hop` ON `logins` (`parent_hop`);--> statement-breakpoint
CREATE TABLE `meta` (
	`seq` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`key` text NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `notices` (
	`id` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`kind` text NOT NULL,
	`login` text,
	`count` integer NOT NULL,
	`detail` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `notices_at` ON `notices` (`at`);--> statement-breakpoint
CREATE TABLE `process_exits` (
	`process` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`exit_code` integer,
	`signal` integer,
	FOREIGN KEY (`process`) REFERENCES `processes`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `processes` (
	`id` integer PRIMARY KEY NOT NULL,
	`login` text NOT NULL,
	`parent` integer,
	`pid` integer NOT NULL,
	`ppid` integer NOT NULL,
	`start_ns` text NOT NULL,
	`image` integer NOT NULL,
	`exe` text NOT NULL,
	`exe_verified` integer NOT NULL,
	`argv` text NOT NULL,
	`argv_bytes` integer NOT NULL,
	`uid` integer NOT NULL,
	`started` integer NOT NULL,
	`recovered` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `processes_image` ON `processes` (`login`,`pid`,`start_ns`,`image`);
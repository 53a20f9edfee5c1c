ALTER TABLE `hops` ADD `source_address` text;--> statement-breakpoint
ALTER TABLE `hops` ADD `source_port` integer;
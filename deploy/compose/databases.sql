-- Run once by the PostgreSQL image when its volume is empty: one database a service.
CREATE DATABASE ingest;
CREATE DATABASE scoring;
CREATE DATABASE outreach;
CREATE DATABASE legal;
CREATE DATABASE audit;
CREATE DATABASE console;

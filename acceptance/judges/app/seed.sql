CREATE VOLUME IF NOT EXISTS main.default.e2etests;
GRANT READ VOLUME, WRITE VOLUME ON VOLUME main.default.e2etests TO `account users`;

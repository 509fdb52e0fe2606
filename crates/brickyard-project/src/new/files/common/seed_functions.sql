CREATE OR REPLACE FUNCTION main.default.greet(name STRING) RETURNS STRING
  RETURN concat('Hello, ', name, '!');

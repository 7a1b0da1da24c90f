-- Runs once, on an empty data folder. The services connect as `shop`, which makes a role and a schema for each module at its first
-- start: it must be able to make both, and needs to be no superuser.
\getenv password SHOP_DATABASE_PASSWORD
create role shop login createrole password :'password';
create database shop owner shop;
revoke all on database shop from public;

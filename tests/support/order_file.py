"""A file of two orders of alice's."""

from tests.support.factories.contacts import ALICE_PHONE

HEADER = "order_id,phone,total,currency,placed_at,number,product,collection,brand,quantity\n"
FILE = (
    HEADER
    + f"1,{ALICE_PHONE},59.90,EUR,2026-11-20T10:00:00+01:00,#1001,Boots,winter;sale,Acme,2\n"
    + "1,,,,,,Laces,,,1\n"
    + f"2,{ALICE_PHONE},0,eur,2026-11-21,#1002,,,,\n"
)

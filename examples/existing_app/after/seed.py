"""`flask --app app seed`: the tables, and something in them to look at."""

from datetime import date

import click
from flask.cli import with_appcontext

from extensions import db
from models import Article, Order, User


@click.command()
@with_appcontext
def seed():
    """Create the tables that are missing, and the first customers, orders and help pages."""
    db.create_all()
    if db.session.get(User, 1) is None:
        add_examples()
    click.echo("Log in as ann@example.com with the password ann, or as ben@example.com with ben.")


def add_examples():
    ann, ben = User(email="ann@example.com"), User(email="ben@example.com")
    ann.set_password("ann")
    ben.set_password("ben")
    ann.orders = [
        Order(placed_on=date(2026, 11, 2), items=["5 kg of rye flour"], status="delivered"),
        Order(placed_on=date(2026, 11, 26), items=["Hand mill", "2 kg of spelt"]),
    ]
    ben.orders = [Order(placed_on=date(2026, 11, 19), items=["1 kg of buckwheat flour"], status="on its way")]
    db.session.add_all([*articles(), ann, ben])
    db.session.commit()


def articles():
    return [
        Article(
            slug="returns",
            title="Returning something",
            text="Unopened bags of flour can be returned within 30 days. Write the number of the order on the parcel. "
            "The money is back on your account five working days after the parcel has reached the mill.",
        ),
        Article(
            slug="storing",
            title="Storing flour",
            text="Wholemeal flour keeps for three months in a cool and dark place, white flour for a year. "
            "Close the bag well: flour takes on the smell of what stands beside it.",
        ),
        Article(
            slug="delivery",
            title="Delivery",
            text="We mill on Mondays and Thursdays, and parcels leave on the day after. They are on their way for two "
            "days. Delivery is free from 40 euros on.",
        ),
        Article(
            slug="stones",
            title="Dressing millstones",
            text="The stones of a hand mill are dressed every two years. Send the mill to us without its crank. "
            "It is back after ten days.",
        ),
    ]

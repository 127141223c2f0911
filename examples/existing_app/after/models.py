"""The tables of the shop."""

import re
from datetime import date

from flask_login import UserMixin
from sqlalchemy import JSON, ForeignKey, case
from sqlalchemy.orm import Mapped, mapped_column, relationship
from werkzeug.security import check_password_hash, generate_password_hash

from extensions import db, login_manager


class User(UserMixin, db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    orders: Mapped[list["Order"]] = relationship(order_by="Order.id.desc()")

    def set_password(self, password):
        self.password_hash = generate_password_hash(password)

    def has_password(self, password):
        return check_password_hash(self.password_hash, password)


class Order(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    placed_on: Mapped[date]
    items: Mapped[list[str]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(default="being packed")


class Article(db.Model):
    """A help page."""

    slug: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    text: Mapped[str]

    @classmethod
    def search(cls, text, limit=3):
        """Return the help pages that have most of the words of a text."""
        words = sorted(set(re.findall(r"\w{4,}", text.lower())), key=len, reverse=True)[:20]
        if not words:
            return []
        page = cls.title + " " + cls.text
        hits = sum(case((page.icontains(word, autoescape=True), 1), else_=0) for word in words)
        return db.session.scalars(db.select(cls).where(hits > 0).order_by(hits.desc(), cls.slug).limit(limit)).all()


class Turn(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    chat: Mapped[str] = mapped_column(index=True)
    stream: Mapped[str]
    end: Mapped[str]
    message: Mapped[dict] = mapped_column(JSON)


@login_manager.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))

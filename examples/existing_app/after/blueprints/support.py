"""The support chat: it knows the shop's help pages and the customer's orders, and keeps its conversations."""

from uuid import uuid4

from flask import Blueprint, abort, render_template, request
from flask_headrace import Headrace
from flask_login import current_user, login_required

from models import Article, Turn, db
from tools import TOOLS, decided

headrace = Headrace(url_prefix="/assistant", endpoints=[], authorize=lambda: current_user.get_id() or abort(401))
support = Blueprint("support", __name__, url_prefix="/support")
support.before_request(login_required(lambda: None))


def own_turns(*which):
    return db.session.scalars(db.select(Turn).where(Turn.user_id == current_user.id, *which).order_by(Turn.id)).all()


@support.get("/")
@support.get("/<uuid:chat>")
def show(chat=None):
    first = own_turns(Turn.id.in_(db.select(db.func.min(Turn.id)).group_by(Turn.user_id, Turn.chat)))
    return render_template("support.html", chat=chat or uuid4(), first=first, turns=own_turns(Turn.chat == str(chat)))


@support.post("/<uuid:chat>")
def ask(chat):
    asked, key = {"role": "user", "content": str(request.json.get("question", ""))}, request.json.get("id")
    past = [turn.message for turn in own_turns(Turn.chat == str(chat), Turn.stream != key)]
    system = render_template("support.txt", articles=Article.search(asked["content"]), orders=current_user.orders)
    db.session.close()  # its connection is free while the model answers
    return headrace.stream(decided([*past, asked]), system=system, tools=TOOLS, chat=str(chat), resumable=True, id=key)


@headrace.on_end
def keep(answer):
    told = {"user_id": int(answer.owner), "chat": answer.chat, "stream": answer.id, "end": answer.end}
    db.session.add_all(Turn(**told, message=message) for message in [*answer.asked, *answer.messages])
    db.session.commit()

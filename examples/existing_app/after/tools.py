"""What the assistant can do for the customer who asks: look up an order, and cancel one if the customer agrees."""

from flask import abort, request
from flask_headrace import ToolContext, ToolError, tool

from extensions import db
from models import Order


@tool
def order_status(order_id: int, *, context: ToolContext) -> dict:
    """Look up an order of the customer: what was ordered, when, and where it is.

    Args:
        order_id: The number of the order.
    """
    order = own_order(order_id, context)
    return {"items": order.items, "placed_on": order.placed_on, "status": order.status}


@tool(needs_approval=True)
def cancel_order(order_id: int, *, context: ToolContext) -> dict:
    """Cancel an order of the customer that is still being packed.

    Args:
        order_id: The number of the order.
    """
    order = own_order(order_id, context)
    if order.status != "being packed":
        raise ToolError(f"Order {order_id} is {order.status}: it cannot be cancelled.")
    order.status = "cancelled"
    db.session.commit()
    return {"status": order.status}


TOOLS = [order_status, cancel_order]


def own_order(order_id, context):
    # The model names the order, the login says whose it must be.
    order = db.session.scalar(db.select(Order).filter_by(id=order_id, user_id=int(context.owner)))
    if order is None:
        raise ToolError(f"This customer has no order {order_id}.")
    return order


def decided(messages):
    """Return the messages; or, if the customer has decided about calls, these with the decision, and no question."""
    if not isinstance(decisions := request.json.get("decisions"), dict):
        return messages
    *earlier, _ = messages
    turn = next((message for message in reversed(earlier) if message["role"] != "tool"), {})
    waiting = [call for call in turn.get("tool_calls", ()) if "approval" in call and call["id"] in decisions]
    for call in waiting:
        call["approval"]["approved"] = decisions[call["id"]] is True
    return earlier if waiting else abort(409)

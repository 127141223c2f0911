def test_who_logs_in_is_shown_the_page_that_was_asked_for(client):
    assert client.get("/orders/?from=mail").location.startswith("/login")
    done = client.post("/login", data={"email": "ann@example.com", "password": "ann"})
    assert done.location == "/orders/?from=mail"


def test_a_wrong_password_is_refused(client):
    page = client.post("/login", data={"email": "ann@example.com", "password": "ben"})
    assert "There is no customer" in page.text
    assert client.get("/orders/").status_code == 302


def test_who_logs_out_sees_no_orders(ann):
    assert ann.get("/orders/").status_code == 200
    ann.post("/logout")
    assert ann.get("/orders/").status_code == 302

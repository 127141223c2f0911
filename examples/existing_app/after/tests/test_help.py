from models import Article


def test_help_pages_need_no_login(client):
    assert "Storing flour" in client.get("/help/").text
    assert "cool and dark" in client.get("/help/storing").text
    assert client.get("/help/nothing").status_code == 404


def test_the_search_finds_the_page_with_most_of_the_words(app):
    with app.app_context():
        assert Article.search("Can I return unopened flour?")[0].slug == "returns"
        assert Article.search("zzzz") == Article.search("a") == []


def test_the_search_shows_what_it_finds(client):
    page = client.get("/help/?q=millstones").text
    assert "Dressing millstones" in page
    assert "Storing flour" not in page

"""Tables in Markdown."""

from kdsr_tools.markdown import format_table


def test_a_table_has_titles_a_line_and_rows():
    table = format_table(["a", "b"], [["1", "2"], ["3", ""]])
    assert table == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | |"

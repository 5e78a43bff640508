"""x"""


def board_svg(staff, roster):
    return ""


def board_page(staff, roster):
    return ""

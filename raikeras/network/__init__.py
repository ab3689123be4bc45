"""The user's net as training sees it: cuts at which targets stand, chains of equal layers."""

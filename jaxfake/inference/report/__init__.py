"""What people look at: the page, pictures of faces, marked videos."""
